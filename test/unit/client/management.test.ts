import {
  CountersignError,
  createManagement,
  type ManagementOptions,
} from '../../../src/client/index.ts';
import { digestOf, intentTypedData } from '../../../src/client/signer.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import {
  account,
  type Arrived,
  BASE_SEPOLIA,
  challenged,
  GATEWAY,
  intentOf,
  NOW,
  problem,
  scripted,
  type Step,
} from './server.ts';
import { recoverAddress } from 'viem/utils';
import { describe, expect, it } from 'vitest';

const OWNER = `${BASE_SEPOLIA}:${account.address.toLowerCase()}`;
const OTHER = `eip155:8453:${account.address.toLowerCase()}`;
const HASH = `0x${'5a'.repeat(32)}`;
const POLICY = { perCall: '$0.05', windows: [{ every: 'day' as const, limit: '$2' }] };

const clientOf = (
  server: { readonly fetch: typeof globalThis.fetch },
  more: Partial<ManagementOptions> = {},
) => createManagement({ gateway: GATEWAY, account, now: () => NOW, ...more, fetch: server.fetch });

const json =
  (body: unknown, headers: Readonly<Record<string, string>> = {}): Step =>
  () =>
    Response.json(body, { headers });

/** A 401 as any gateway gives it. */
const CHALLENGE: Step = () => challenged();

const ORDERED = { changed: true, revision: 7, acknowledged: [], silent: [] };

const errorOf = async (work: () => Promise<unknown>): Promise<CountersignError> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof CountersignError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Whether the intent of a request was signed by the account for exactly what arrived. */
const expectSigned = async (arrived: Arrived | undefined, tool: string): Promise<void> => {
  if (arrived === undefined) throw new Error('nothing arrived');
  const { intent, chainId, signature } = intentOf(arrived);
  const url = new URL(arrived.url);
  expect(intent).toMatchObject({
    agent: account.address.toLowerCase(),
    audience: GATEWAY,
    tool,
    method: arrived.method,
    target: url.pathname + url.search,
    contentType: arrived.headers.get('content-type') ?? '',
    payloadDigest: sha256Hex(utf8(arrived.body)),
    maxAmount: 0n,
    payTo: `0x${'0'.repeat(40)}`,
    asset: `0x${'0'.repeat(40)}`,
    authority: `0x${'0'.repeat(64)}`,
  });
  const hash = digestOf(intentTypedData(intent, chainId));
  expect(await recoverAddress({ hash, signature })).toBe(account.address);
};

describe('a request', () => {
  it('is signed for exactly what goes out', async () => {
    const server = scripted(json(ORDERED, { etag: `"${HASH}"` }));
    const { body, etag } = await clientOf(server).call('account.policy.put', {
      params: { account: OWNER },
      body: POLICY,
      ifMatch: HASH,
      dryRun: true,
    });
    expect(body).toEqual(ORDERED);
    expect(etag).toBe(`"${HASH}"`);
    const [arrived] = server.arrived;
    expect(arrived).toMatchObject({
      method: 'PUT',
      url: `${GATEWAY}/accounts/${OWNER}/policy`,
      body: JSON.stringify(POLICY),
      redirect: 'manual',
    });
    expect(arrived?.headers.get('if-match')).toBe(`"${HASH}"`);
    expect(arrived?.headers.get('dry-run')).toBe('?1');
    await expectSigned(arrived, 'countersign.admin.account.policy.put');
  });

  it('has its query in the target that is signed, numbers as text, and nothing that is not said', async () => {
    const server = scripted(json({ items: [] }));
    await clientOf(server).call('account.calls', {
      params: { account: OWNER },
      query: { limit: 5, state: 'held', tool: undefined as never },
    });
    expect(server.arrived[0]?.url).toBe(`${GATEWAY}/accounts/${OWNER}/calls?limit=5&state=held`);
    await expectSigned(server.arrived[0], 'countersign.admin.account.calls');
  });

  it('is signed anew each time', async () => {
    const server = scripted(json({ items: [] }), json({ items: [] }));
    const management = clientOf(server, { chainId: 84532 });
    await management.call('tools.list');
    await management.call('tools.list');
    const [one, two] = server.arrived.map((arrived) => intentOf(arrived).intent.nonce);
    expect(one).not.toBe(two);
  });

  it('takes ETags with quotes, without, and *', async () => {
    const server = scripted(json(ORDERED), json(ORDERED), json(ORDERED));
    const management = clientOf(server);
    for (const ifMatch of [HASH, `"${HASH}"`, '*']) {
      await management.call('account.policy.delete', { params: { account: OWNER }, ifMatch });
    }
    expect(server.arrived.map(({ headers }) => headers.get('if-match'))).toEqual([
      `"${HASH}"`,
      `"${HASH}"`,
      '*',
    ]);
  });

  it.each(['..', '.', 'a/b', 'a?b', 'a#b', '%2e%2e', 'a b', '', 'a\\b', 'é'])(
    'cannot be made another one by the name %j',
    async (tool) => {
      const server = scripted();
      const error = await errorOf(async () =>
        clientOf(server, { chainId: 84532 }).call('tools.delete', { params: { tool } }),
      );
      expect(error).toMatchObject({ code: 'options_invalid' });
      expect(server.arrived).toEqual([]);
    },
  );
});

describe('the chain', () => {
  it('is that of the account asked about', async () => {
    const server = scripted(json({}));
    await clientOf(server).call('account.get', { params: { account: OTHER } });
    expect(intentOf(server.arrived[0]).chainId).toBe(8453);
  });

  it('is the one that was given', async () => {
    const server = scripted(json({}));
    await clientOf(server, { chainId: 84532 }).call('account.get', { params: { account: OTHER } });
    expect(intentOf(server.arrived[0]).chainId).toBe(84532);
  });

  it('is the gateway’s first where nothing says which', async () => {
    const server = scripted(CHALLENGE, json({ items: [] }), json({ items: [] }));
    const management = clientOf(server);
    await management.call('tools.list');
    await management.call('tools.list');
    expect(server.arrived.map(({ headers }) => headers.has('agent-intent'))).toEqual([
      false,
      true,
      true,
    ]);
    expect(intentOf(server.arrived[1]).chainId).toBe(84532);
  });
});

describe('a refusal', () => {
  it('is thrown with its problem', async () => {
    const server = scripted(() => problem(412, 'precondition-failed', { current: HASH }));
    const error = await errorOf(async () =>
      clientOf(server).call('account.policy.put', { params: { account: OWNER }, body: POLICY }),
    );
    expect(error).toMatchObject({
      code: 'refused',
      problem: { type: 'urn:countersign:problem:precondition-failed', current: HASH },
      response: { status: 412 },
    });
  });

  it('is no answer, and neither is what is not JSON', async () => {
    const server = scripted(() => new Response('<html>'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.get', { params: { account: OWNER } }),
    );
    expect(error.code).toBe('answer_malformed');
  });

  it('by a redirect is not followed', async () => {
    const server = scripted(
      () => new Response(null, { status: 307, headers: { location: 'https://evil.example/' } }),
    );
    const error = await errorOf(async () =>
      clientOf(server).call('account.get', { params: { account: OWNER } }),
    );
    expect(error.code).toBe('redirected');
    expect(server.arrived).toHaveLength(1);
  });
});

const lose: Step = () => {
  throw new TypeError('connection lost');
};

describe('a lost answer', () => {
  it('is requested again for a read, with the same signature', async () => {
    const server = scripted(lose, json({ items: [] }));
    await clientOf(server).call('account.tree', { params: { account: OWNER } });
    const [one, two] = server.arrived.map(({ headers }) => headers.get('agent-intent'));
    expect(one).toBe(two);
  });

  it('is reported as command_lost if the repeat of a command finds its intent used', async () => {
    const server = scripted(lose, () => problem(409, 'already-used'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.status', {
        params: { account: OWNER },
        body: { status: 'frozen' },
      }),
    );
    expect(error).toMatchObject({
      code: 'command_lost',
      problem: { type: 'urn:countersign:problem:already-used' },
    });
    const [one, two] = server.arrived.map(({ headers }) => headers.get('agent-intent'));
    expect(one).toBe(two);
  });

  it('is reported as command_lost if no repeat of a command is answered', async () => {
    const server = scripted(lose);
    const error = await errorOf(async () =>
      clientOf(server, { retries: 0 }).call('account.status', {
        params: { account: OWNER },
        body: { status: 'frozen' },
      }),
    );
    expect(error).toMatchObject({ code: 'command_lost', cause: { code: 'answer_lost' } });
  });

  it('is not suspected for a command whose first attempt is refused', async () => {
    const server = scripted(() => problem(409, 'already-used'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.default', {
        params: { account: OWNER },
        body: { grant: HASH },
      }),
    );
    expect(error.code).toBe('refused');
  });
});

describe('a list', () => {
  it('is fetched page by page, as far as it is read', async () => {
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

  it('that goes round in circles is left', async () => {
    const server = scripted(json({ items: [], next: 'x' }), json({ items: [], next: 'x' }));
    const error = await errorOf(async () => {
      for await (const _ of clientOf(server).list('account.tree', { params: { account: OWNER } }));
    });
    expect(error.code).toBe('answer_malformed');
  });

  it('that goes round in a wider circle is left, too, and so is an export', async () => {
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

  it('whose export never ends is left', async () => {
    const endless: Step = () => new Response(new ReadableStream());
    const texts = clientOf(scripted(endless), { timeoutSeconds: 1 }).export('account.calls', {
      params: { account: OWNER },
    });
    await expect(texts.next()).rejects.toThrow('took too long');
  });

  it('is exported as one file', async () => {
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

  it('takes nothing of a link but where it goes on', async () => {
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

const feed = (...pieces: readonly string[]): Step => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(utf8(piece));
      controller.close();
    },
  });
  return () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
};

const event = (seq: number, more = ''): string =>
  `id: ${seq}\nevent: call.accepted\ndata: ${JSON.stringify({ seq, more })}\n\n`;

const followed = async (
  steps: readonly Step[],
  count: number,
  after?: number,
): Promise<{ readonly seqs: readonly number[]; readonly queries: readonly string[] }> => {
  const server = scripted(...steps);
  const seqs: number[] = [];
  const options = after === undefined ? {} : { after };
  for await (const { seq } of clientOf(server).events(OWNER, options)) {
    seqs.push(seq);
    if (seqs.length === count) break;
  }
  await expectSigned(server.arrived[0], 'countersign.admin.account.events');
  const headers = server.arrived.map((arrived) => arrived.headers.get('agent-intent'));
  expect(new Set(headers).size).toBe(headers.length);
  return { seqs, queries: server.arrived.map(({ url }) => new URL(url).search) };
};

describe('the feed', () => {
  it('gives entries, whatever pieces they come in, and passes comments over', async () => {
    const text = `retry: 3000\n\n: nothing new\n\n${event(3, 'ü\u2028')}:x\r\n\r\n${event(4)}`;
    const bytes = utf8(text);
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const { seqs, queries } = await followed([() => new Response(stream)], 2, 2);
    expect(seqs).toEqual([3, 4]);
    expect(queries).toEqual(['?after=2']);
  });

  it('goes on where it was, signed anew, when it ends or breaks', async () => {
    const broken: Step = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (controller) => {
            controller.enqueue(utf8(`${event(6)}id: 7\ndata: {"seq"`));
          },
          pull: (controller) => {
            controller.error(new TypeError('connection lost'));
          },
        }),
      );
    const { seqs, queries } = await followed([feed(event(5)), broken, feed(event(7))], 3);
    expect(seqs).toEqual([5, 6, 7]);
    expect(queries).toEqual(['', '?after=5', '?after=6']);
  });

  it('begins where the gateway says it stands, so that nothing is missed before the first entry', async () => {
    const { queries } = await followed([feed('id: 41\n\n'), feed(event(42))], 1);
    expect(queries).toEqual(['', '?after=41']);
  });

  it('gives no entry twice', async () => {
    const { seqs } = await followed([feed(event(5), event(5), event(4), event(6))], 2);
    expect(seqs).toEqual([5, 6]);
  });

  it('waits where the gateway is busy, and gives up where it says no', async () => {
    const busy: Step = () => new Response('', { status: 429, headers: { 'retry-after': '1' } });
    const server = scripted(busy, () => problem(404, 'unknown-account'));
    const error = await errorOf(async () => {
      for await (const _ of clientOf(server).events(OWNER));
    });
    expect(error).toMatchObject({
      code: 'refused',
      problem: { type: 'urn:countersign:problem:unknown-account' },
    });
    expect(server.arrived).toHaveLength(2);
  });

  it('stops when its signal aborts', async () => {
    const stop = new AbortController();
    const silent: Step = () => new Response(new ReadableStream());
    const events = clientOf(scripted(silent)).events(OWNER, { signal: stop.signal });
    const next = events.next();
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(next).rejects.toThrow('enough');
  });

  it.each([
    ['an entry without a place', 'data: {"seq":9}\n\n'],
    ['a place that is no number', 'id: 0x5g\ndata: {"seq":9}\n\n'],
    ['an event that never ends', `data: ${'x'.repeat(1_000)}\n`.repeat(400)],
  ])('does not take %s', async (_, text) => {
    const error = await errorOf(async () => followed([feed(text), feed(event(9))], 1));
    expect(error.code).toBe('answer_malformed');
  });

  it('does not take one line end for two because it comes in two pieces', async () => {
    const pieces = ['id: 5\r', '\ndata: {"seq":5}\r', '\n\r', '\n'];
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(utf8(piece));
        controller.close();
      },
    });
    const { seqs } = await followed([() => new Response(stream)], 1);
    expect(seqs).toEqual([5]);
  });

  it('does not ask again without a pause where nothing new comes', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 200);
    let asked = 0;
    const same = () => {
      asked += 1;
      return Promise.resolve(new Response(event(5)));
    };
    const events = clientOf({ fetch: same }).events(OWNER, { after: 5, signal: stop.signal });
    await expect(events.next()).rejects.toThrow('enough');
    expect(asked).toBeLessThan(4);
  });

  it('does not take what is no entry', async () => {
    const error = await errorOf(async () => followed([feed('id: 5\ndata: nonsense\n\n')], 1));
    expect(error.code).toBe('answer_malformed');
  });
});

describe('the options', () => {
  it.each([
    [{ gateway: 'nowhere' }, 'gateway'],
    [{ chainId: 1.5 }, 'chainId'],
    [{ retries: -1 }, 'retries'],
    [{ timeoutSeconds: Number.NaN }, 'timeoutSeconds'],
  ])('%j are refused by name', (options, name) => {
    expect(() => createManagement({ gateway: GATEWAY, account, ...options })).toThrow(name);
  });
});
