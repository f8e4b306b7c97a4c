/** `npm run bench:scrubbing`: prints how fast answers are scrubbed, and what a call with a secret costs before its first byte. */
import { openSecretFetcher } from '../src/vault/egress.ts';
import { open, seal } from '../src/vault/envelope.ts';
import { openScrubber } from '../src/vault/scrubber.ts';
import { deriveKey } from '../src/vault/vault-keys.ts';

const CHUNK = 65_536;
const CHUNKS = 400;

const tokens = (length: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    text: Buffer.from(crypto.getRandomValues(new Uint8Array(length)))
      .toString('base64')
      .slice(0, length),
  }));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Median milliseconds of some runs. */
const timed = async (runs: number, work: () => unknown): Promise<number> => {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  return median(times);
};

const repeated = (text: string): Uint8Array =>
  new TextEncoder().encode(text.repeat(Math.ceil(CHUNK / text.length)).slice(0, CHUNK));

const JSON_ITEM =
  '{"id":123456,"name":"Some \\"quoted\\" name","url":"https:\\/\\/example.com\\/a","n":[1,2,3]},';
const BODIES: Readonly<Record<string, Uint8Array>> = {
  prose: repeated('The quick brown fox jumps over the lazy dog. '),
  'JSON with escapes': repeated(JSON_ITEM),
  'HTML with references': repeated('<p title="x">It&#39;s &quot;quoted&quot; &amp; goes on</p>'),
};

for (const [length, count] of [
  [40, 1],
  [40, 3],
  [2_048, 1],
] as const) {
  const guarded = tokens(length, count);
  const building = await timed(200, () => openScrubber(guarded, () => undefined));
  console.log(
    `${count} secret(s) of ${length} bytes: scrubber made in ${(building * 1_000).toFixed(0)} µs`,
  );
  for (const [name, chunk] of Object.entries(BODIES)) {
    const scrubber = openScrubber(guarded, () => undefined);
    const ms = await timed(5, () => {
      const body = scrubber.body();
      for (let index = 0; index < CHUNKS; index += 1) body.push(chunk);
      body.end();
    });
    const megabytes = (CHUNK * CHUNKS) / 1e6;
    console.log(`  ${name}: ${((megabytes / ms) * 1_000).toFixed(0)} MB/s`);
  }
}

const key = await deriveKey(crypto.getRandomValues(new Uint8Array(32)));
const owner = `eip155:1:0x${'00'.repeat(20)}` as const;
const binding = { owner, name: 'a', version: 1, kind: 'token', host: 'api.example' } as const;
const value = { kind: 'token', label: '', texts: { value: tokens(40, 1)[0]?.text ?? '' } } as const;
const sealed = await seal(binding, value, key);
const keys = { current: key, old: undefined };
const opening = await timed(500, async () => open(sealed, keys));
console.log(`decrypting one secret: ${(opening * 1_000).toFixed(0)} µs`);

const answer = BODIES['JSON with escapes']?.slice(0, 1_024) ?? new Uint8Array(0);
globalThis.fetch = async () => new Response(answer);
const { fetch: fetchWithSecret } = openSecretFetcher({
  secrets: [{ placement: { in: 'header', secret: 'a', name: 'authorization' }, sealed }],
  ...{ keys, reach: 'public', onReturned: () => undefined },
});
const url = 'https://api.example/v1';
const plain = await timed(1_000, async () => (await fetch(url, {})).arrayBuffer());
const placed = await timed(1_000, async () => (await fetchWithSecret(url, {})).arrayBuffer());
console.log(`a call whose answer has 1 KiB: ${((placed - plain) * 1_000).toFixed(0)} µs more`);
