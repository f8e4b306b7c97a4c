import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { DEMO_TOOLS, startUpstream, type Upstream } from '../../dev/upstream/upstream.ts';

describe('the demo upstream', () => {
  let upstream: Upstream;
  let gateway: RunningServer;
  let keys: CryptoKeyPair;
  beforeAll(async () => {
    keys = (await generateKeyPair('Ed25519')) as CryptoKeyPair;
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };
    gateway = await serveLoopback({
      handler: (request) =>
        new URL(request.url).pathname === '/.well-known/jwks.json'
          ? Response.json({ keys: [jwk] })
          : new Response(null, { status: 404 }),
    });
    upstream = await startUpstream({ gateway: gateway.url });
  });
  afterAll(async () => {
    await upstream.stop();
    await gateway.stop();
  });

  const get = async (path: string, headers: Record<string, string> = {}) =>
    await fetch(`${upstream.url}${path}`, { headers });
  const post = async (path: string, body: unknown) =>
    await fetch(`${upstream.url}${path}`, { method: 'POST', body: JSON.stringify(body) });

  it.each([
    ['river', 'noun', /large natural stream of water/],
    ['ice cream', 'noun', /frozen dessert/],
    ['Swim', 'verb', /travel through water/],
    ['quickly', 'adverb', /with rapid movements|with little or no delay/],
    ['aardvark', 'noun', /mammal/],
    ['zymurgy', 'noun', /fermentation/],
  ])('lookup defines %s', async (word, partOfSpeech, definition) => {
    const answer = await get(`/lookup?word=${encodeURIComponent(word)}`);
    expect(answer.status).toBe(200);
    const { senses } = (await answer.json()) as {
      senses: { partOfSpeech: string; definition: string }[];
    };
    const matching = senses.filter((sense) => definition.test(sense.definition));
    expect(matching.map((sense) => sense.partOfSpeech)).toContain(partOfSpeech);
  });

  it.each(['qwxzy', '', ' ', '../index', '%00', 'x'.repeat(200)])(
    'lookup answers 404 for %j',
    async (word) => {
      expect((await get(`/lookup?word=${encodeURIComponent(word)}`)).status).toBe(404);
    },
  );

  it('summarise reports a charge by the word', async () => {
    const text = 'Rivers carry water. Rivers carry sand and water to the sea. Nobody asked.';
    const answer = await post('/summarise', { text });
    expect(await answer.json()).toEqual({
      summary: 'Rivers carry water. Rivers carry sand and water to the sea.',
      words: 13,
    });
    expect(answer.headers.get('settlement-overrides')).toBe('{"amount":"1260"}');
    const priced = await post('/summarise', { text, charge: '7' });
    expect(priced.headers.get('settlement-overrides')).toBe('{"amount":"7"}');
    expect((await post('/summarise', {})).status).toBe(400);
  });

  it('notarise returns the digest of a text', async () => {
    const answer = await post('/notarise', { text: 'abc' });
    expect(await answer.json()).toEqual({
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it.each([
    ['fr', 'Bonjour, monde! Le chien est here2?'],
    ['de', 'Hallo, Welt! Der Hund ist here2?'],
    ['es', 'Hola, mundo! El perro es here2?'],
  ])('translate translates to %s word by word', async (to, text) => {
    const answer = await post('/translate', { text: 'Hello, world! The dog is here2?', to });
    const expected = text.replace('here2', { fr: 'ici2', de: 'hier2', es: 'aquí2' }[to] ?? '');
    expect(await answer.json()).toEqual({ text: expected, to, unknown: [] });
  });

  it('translate keeps and lists unknown words, and rejects other languages', async () => {
    const answer = await post('/translate', { text: 'water flux', to: 'fr' });
    expect(await answer.json()).toEqual({ text: 'eau flux', to: 'fr', unknown: ['flux'] });
    expect((await post('/translate', { text: 'water', to: 'xx' })).status).toBe(400);
    expect((await post('/translate', 'water')).status).toBe(400);
  });

  it('report returns the statistics of a text', async () => {
    const answer = await post('/report', { text: 'One two. Two three!\n\nIt’s four.' });
    expect(await answer.json()).toEqual({
      characters: 31,
      words: 6,
      distinctWords: 5,
      sentences: 3,
      paragraphs: 2,
      averageWordLength: 3.67,
      readingSeconds: 2,
      frequent: [
        { word: 'two', count: 2 },
        { word: 'four', count: 1 },
        { word: 'it’s', count: 1 },
        { word: 'one', count: 1 },
        { word: 'three', count: 1 },
      ],
    });
    expect((await post('/report', {})).status).toBe(400);
  });

  it('enrich defines the words of a text', async () => {
    const answer = (await (await post('/enrich', { text: 'river qwxzy river' })).json()) as {
      words: { word: string; sense: { definition: string } | null }[];
    };
    expect(answer.words.map(({ word }) => word)).toEqual(['river', 'qwxzy']);
    expect(answer.words[0]?.sense?.definition).toMatch(/stream of water/);
    expect(answer.words[1]?.sense).toBeNull();
  });

  const EMPTY = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const claims = {
    account: 'eip155:84532:0xabc',
    call: '0x01',
    tool: 'whoami',
    digest: EMPTY,
    binding: 'none',
  };
  const now = () => Math.floor(Date.now() / 1000);

  const assertion = async (
    changes: Record<string, unknown> = {},
    { key = keys.privateKey, typ = 'agent-assertion+jwt', from = now() } = {},
  ) =>
    await new SignJWT({
      ...claims,
      iss: gateway.url,
      aud: upstream.url,
      jti: randomUUID(),
      iat: from,
      exp: from + 60,
      ...changes,
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ })
      .sign(key);
  const whoami = async (header: string) => await get('/whoami', { 'x-agent-assertion': header });

  it('whoami accepts an assertion of the gateway once', async () => {
    const header = await assertion();
    const answer = await whoami(header);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(claims);
    expect(await (await whoami(header)).json()).toEqual({ error: 'seen before' });
    expect((await whoami(await assertion())).status).toBe(200);
  });

  it('whoami rejects requests without a valid assertion', async () => {
    const { privateKey } = await generateKeyPair('Ed25519');
    const old = now() - 120;
    const good = await assertion();
    const wrong = [
      'a.b.c',
      await assertion({}, { key: privateKey as CryptoKey }),
      // Attack: a receipt, which every payer has, is signed by the same key as an assertion.
      await assertion({}, { typ: 'agent-receipt+jwt' }),
      await assertion({ aud: 'https://other.example' }),
      await assertion({ tool: 'lookup' }),
      await assertion({ digest: claims.call }),
      await assertion({ account: undefined }),
      await assertion({ exp: undefined }),
      await assertion({}, { from: old }),
      await assertion({ exp: old + 3600 }, { from: old }),
      `${good.slice(0, -8)}AAAAAAAA`,
    ];
    expect((await get('/whoami')).status).toBe(401);
    const answers = await Promise.all(wrong.map(whoami));
    expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 401));
    expect((await whoami(good)).status).toBe(200);
  });

  it('echo returns what it received', async () => {
    const answer = await fetch(`${upstream.url}/echo/a%20b/c?d=e%20f&g`, {
      method: 'PATCH',
      headers: { 'X-Mixed-Case': 'Kept', accept: 'text/x' },
      body: new Uint8Array([0, 255, 104, 105]),
    });
    expect(await answer.json()).toMatchObject({
      method: 'PATCH',
      path: '/echo/a%20b/c?d=e%20f&g',
      headers: { 'x-mixed-case': 'Kept', accept: 'text/x', 'content-length': '4' },
      rawHeaders: expect.arrayContaining([['X-Mixed-Case', 'Kept']]) as unknown,
      bodyBase64: 'AP9oaQ==',
    });
  });

  it('flaky answers, drops, truncates and hangs as requested', async () => {
    expect((await get('/flaky?status=503')).status).toBe(503);
    expect((await get('/flaky?status=204')).status).toBe(204);
    expect((await get('/flaky?status=99')).status).toBe(400);
    expect((await get('/flaky')).status).toBe(200);
    await expect(get('/flaky?drop=1')).rejects.toThrow('fetch failed');
    const short = await get('/flaky?truncate=1');
    expect(short.headers.get('content-length')).toBe('4096');
    await expect(short.text()).rejects.toThrow('terminated');
    const hanging = fetch(`${upstream.url}/flaky?hang=1`, { signal: AbortSignal.timeout(300) });
    await expect(hanging).rejects.toThrow(/timeout/);
  });

  it('stream sends its events one at a time', async () => {
    const event = (at: number): string => `id: ${at}\ndata: {"chunk":${at},"of":3}\n\n`;
    // The second chunk would arrive after a minute.
    const slow = (await get('/stream?chunks=3&ms=60000')).body?.getReader();
    expect(new TextDecoder().decode((await slow?.read())?.value)).toBe(event(1));
    await slow?.cancel();
    const answer = await get('/stream?chunks=3&ms=1');
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(await answer.text()).toBe([1, 2, 3].map(event).join(''));
    expect((await get('/stream?chunks=-1')).status).toBe(400);
    expect((await get('/stream?chunks=100000')).status).toBe(400);
  });

  it('counts every run by tool, also failed ones', async () => {
    const before = upstream.counts();
    await get('/lookup?word=river');
    await get('/lookup?word=qwxzy');
    await post('/report', {});
    await get('/flaky?drop=1').catch(() => undefined);
    await get('/echo/x');
    await get('/lookups');
    const after = (await (await get('/_count')).json()) as Record<string, number>;
    expect(Object.keys(after)).toEqual([...DEMO_TOOLS]);
    expect(after).toEqual({
      ...before,
      lookup: before.lookup + 2,
      report: before.report + 1,
      flaky: before.flaky + 1,
      echo: before.echo + 1,
    });
  });
});
