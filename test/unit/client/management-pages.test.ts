import { describe, expect, it } from 'vitest';
import { clientOf, errorOf, json, OWNER } from './management-fixture.ts';
import { GATEWAY, scripted, type Step } from './server.ts';

describe('a list of the management API', () => {
  it('fetches a page only when the caller reads that far', async () => {
    const server = scripted(
      json({ items: [{ id: 'a' }, { id: 'b' }], next: 'x' }),
      json({ items: [], next: 'y' }),
      json({ items: [{ id: 'c' }], next: 'z' }),
    );
    const ids: string[] = [];
    for await (const { id } of clientOf(server).list('account.webhooks.list', {
      params: { account: OWNER },
      query: { limit: 2 },
    })) {
      ids.push(id);
      if (ids.length === 3) break;
    }
    expect(ids).toEqual(['a', 'b', 'c']);
    expect(server.arrived.map(({ url }) => new URL(url).search)).toEqual([
      '?limit=2',
      '?limit=2&after=x',
      '?limit=2&after=y',
    ]);
  });

  it('says how old each page is', async () => {
    const server = scripted(
      json({ items: [{ call: 'a' }], next: 'x', as_of: 7 }),
      json({ items: [{ call: 'b' }], next: 'y', as_of: 'soon' }),
      json({ items: [{ call: 'c' }] }),
    );
    const seen: unknown[] = [];
    const params = { account: OWNER };
    const onPage = (page: object) => seen.push(page);
    for await (const { call } of clientOf(server).list('account.calls', { params, onPage }))
      seen.push(call);
    expect(seen).toEqual([{ asOf: 7 }, 'a', {}, 'b', {}, 'c']);
  });

  it('stops when a page names itself as the next one', async () => {
    const server = scripted(json({ items: [], next: 'x' }), json({ items: [], next: 'x' }));
    const error = await errorOf(async () => {
      for await (const _ of clientOf(server).list('account.tree', { params: { account: OWNER } }));
    });
    expect(error.code).toBe('answer_malformed');
  });

  it('stops when a list or an export returns to an earlier page', async () => {
    const page = (next: string) => json({ items: [], next });
    const listed = scripted(page('x'), page('y'), page('x'));
    const link = (after: string) => () =>
      new Response('', { headers: { link: `<?after=${after}>; rel="next"` } });
    const exported = scripted(link('x'), link('y'), link('x'));
    const params = { params: { account: OWNER } };
    for (const items of [
      clientOf(listed).list('account.tree', params),
      clientOf(exported).export('account.calls', params),
    ]) {
      const error = await errorOf(async () => {
        for await (const _ of items);
      });
      expect(error.code).toBe('answer_malformed');
    }
  });

  it('times out while an export page does not end', async () => {
    const endless: Step = () => new Response(new ReadableStream());
    const texts = clientOf(scripted(endless), { timeoutSeconds: 1 }).export('account.calls', {
      params: { account: OWNER },
    });
    await expect(texts.next()).rejects.toThrow('took too long');
  });

  it('exports the pages as one file', async () => {
    const link = `</accounts/${OWNER}/calls?format=csv&after=p2>; rel="next"`;
    const server = scripted(
      () => new Response('call\n1\n', { headers: { link } }),
      () => new Response('2\n'),
    );
    let file = '';
    for await (const text of clientOf(server).export('account.calls', {
      params: { account: OWNER },
      query: { format: 'csv' },
    })) {
      file += text;
    }
    expect(file).toBe('call\n1\n2\n');
    expect(server.arrived[1]?.url).toBe(`${GATEWAY}/accounts/${OWNER}/calls?format=csv&after=p2`);
  });

  it('takes only the cursor from a link, never its URL', async () => {
    const link = '<https://evil.example/admin/accounts?after=p2>; rel="next"';
    const server = scripted(
      () => new Response('', { headers: { link } }),
      () => new Response(''),
    );
    for await (const _ of clientOf(server).export('account.entries', {
      params: { account: OWNER },
    }));
    expect(server.arrived[1]?.url).toBe(
      `${GATEWAY}/accounts/${OWNER}/entries?format=ndjson&after=p2`,
    );
  });
});
