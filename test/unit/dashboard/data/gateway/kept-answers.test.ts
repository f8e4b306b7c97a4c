import { afterEach, expect, it, vi } from 'vitest';
import { fetchUnlessKept } from '../../../../../src/dashboard/data/gateway/kept-answers.ts';
import { sessionOf } from '../../session/tabs.ts';

const URL_OF_LIST = 'https://gw.example/accounts/a/calls';
const TAG = 'W/"20785.tag"';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A gateway that answers 304 to every request that names its answer's tag. Returns the tags that it received. */
const confirming = (): (string | null)[] => {
  const named: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_: string, { headers }: { readonly headers: Headers }) => {
    const tag = headers.get('if-none-match');
    named.push(tag);
    return tag === TAG
      ? new Response(null, { status: 304 })
      : new Response('rows of a', { headers: { etag: TAG } });
  });
  return named;
};

const read = async (reader: ReturnType<typeof sessionOf>): Promise<string> =>
  await (await fetchUnlessKept(reader, URL_OF_LIST, { headers: new Headers() })).text();

it('shows a confirmed answer again to the session that read it, and to no other', async () => {
  const named = confirming();
  const first = sessionOf('aa', 1);
  expect([await read(first), await read(first)]).toEqual(['rows of a', 'rows of a']);
  await read(sessionOf('bb', 2));
  await read(sessionOf('aa', 3));
  expect(named).toEqual([null, TAG, null, null]);
});
