import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openWitnesses, type WitnessDeps } from '../../durable-objects/audit-log/witnesses.ts';
import { NEW_WITNESS, type WitnessState } from '../../durable-objects/audit-log/witness-table.ts';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import { openNote } from '../../src/audit/log/signed-note.ts';
import type { Hex } from '../../src/core/hex.ts';
import { encodeBase64Url } from '../../src/crypto/bytes.ts';
import type { AlertBody } from '../../src/protocol/alert.ts';
import { openTestWitness, type TestWitness } from '../support/witness.ts';
import { KEY, publicKey } from '../unit/audit/log/vectors.ts';
import { accountOf, randomHex } from './support.ts';

const GENESIS: Hex = `0x${'00'.repeat(32)}`;
const AT = 1_795_737_600;
let origin: string;
let first: TestWitness;
let second: TestWitness;
/** The answer of each faulty host. A host without an entry answers as the witness does. */
let faults: Map<string, (request: Request) => Promise<Response>>;
let requests: string[];

const log = () => env.AUDIT_LOG.getByName(origin);

beforeEach(async () => {
  origin = `${randomHex(8).slice(2)}.example/log/2026`;
  const d = encodeBase64Url(Uint8Array.from({ length: 32 }, (_, at) => at));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey()), d };
  const logs = [{ ...KEY, name: origin }];
  first = await openTestWitness('one.example/witness', logs, () => AT);
  second = await openTestWitness('two.example/witness', logs, () => AT);
  faults = new Map();
  requests = [];
  const witnesses = [
    { url: 'https://one.example/', key: first.key },
    { url: 'https://two.example', key: second.key },
  ];
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk), WITNESSES: JSON.stringify(witnesses) });
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    const { hostname } = new URL(request.url);
    requests.push(hostname);
    const witness = hostname === 'one.example' ? first : second;
    return (faults.get(hostname) ?? witness.serve)(request);
  });
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  Object.assign(env, { WITNESSES: '' });
  vi.unstubAllGlobals();
});

const grow = async (leaves = 1): Promise<void> => {
  const runs = Array.from({ length: leaves }, () => ({
    ...{ account: accountOf(randomHex(20)), first: 1, prev: GENESIS, hashes: [randomHex(32)] },
  }));
  await log().append(runs);
  await runDurableObjectAlarm(log());
};

/** Aborts the object, because an eviction would wait for open requests. */
const cutPower = async (): Promise<void> => {
  await runInDurableObject(log(), (_, state) => state.abort('power cut')).catch(() => undefined);
};

/** The witnesses in the served checkpoint, and its size. */
const served = async () => {
  const { checkpoint = '' } = await log().status();
  const keys = [{ ...KEY, name: origin }, first.noteKey, second.noteKey];
  const note = await openNote(checkpoint, keys, verifyNoteSignature);
  if (!note.ok) throw new Error(JSON.stringify(note.error));
  const names = note.value.signers.map(({ name }) => name).filter((name) => name !== origin);
  return { size: parseCheckpoint(note.value.text)?.size, names: names.toSorted() };
};

const PATIENCE = { timeout: 30_000 };
const BOTH = ['one.example/witness', 'two.example/witness'];
const cosignedBy = async (size: number, names: readonly string[]) =>
  vi.waitFor(async () => expect(await served()).toEqual({ size, names }), PATIENCE);

describe('witnesses of a transparency log', () => {
  test('cosign each checkpoint, which is served with their lines', async () => {
    await grow(3);
    // Each checkpoint covers one more leaf, the root of the index.
    await cosignedBy(4, BOTH);
    await grow(200);
    await cosignedBy(205, BOTH);
    expect([...first.answered, ...second.answered]).toEqual([200, 200, 200, 200]);
    expect((await log().leaves(0, { most: 1 }))?.checkpoint).toContain('one.example/witness');
    // Each witness gets one request per checkpoint, and none while the log does not grow.
    await vi.waitFor(async () => expect(await runDurableObjectAlarm(log())).toBe(false), PATIENCE);
    expect(requests).toHaveLength(4);
  });

  test('that knows another size is asked again with the growth from there', async () => {
    await grow(2);
    await cosignedBy(3, BOTH);
    await runInDurableObject(log(), (_, { storage }) => {
      storage.sql.exec('DELETE FROM witness');
    });
    await cutPower();
    first.trees.delete(origin);
    // The log has forgotten its witnesses, and the first witness has forgotten the log.
    await runDurableObjectAlarm(log());
    await cosignedBy(3, BOTH);
    expect(first.answered).toEqual([200, 200]);
    expect(second.answered).toEqual([200, 409, 200]);
    await grow(3);
    await cosignedBy(7, BOTH);
  });

  test('that does not answer any more delays neither the log nor the others', async () => {
    await grow();
    await cosignedBy(2, BOTH);
    // This witness never answers. A log that waited for it would never continue.
    faults.set('one.example', async () => new Promise<never>(() => {}));
    await grow();
    await cosignedBy(4, ['two.example/witness']);
    await grow();
    await cosignedBy(6, ['two.example/witness']);
    expect(requests.filter((host) => host === 'one.example')).toHaveLength(2);
  });

  test('is asked again after a restart of the object in the middle of a request', async () => {
    faults.set('one.example', async () => new Promise<never>(() => {}));
    await grow();
    await cosignedBy(2, ['two.example/witness']);
    await cutPower();
    faults.clear();
    expect(await runDurableObjectAlarm(log())).toBe(true);
    await cosignedBy(2, BOTH);
    expect(second.answered).toEqual([200]);
  });

  test.each<[string, () => Response]>([
    ['500', () => new Response('down', { status: 500 })],
    ['a line of somebody else', () => new Response('— x.example AAAAAAAAAAAAAAAAAAAA\n')],
    ['a redirect', () => Response.redirect('https://two.example/add-checkpoint', 307)],
    ['a body without end', () => new Response('x'.repeat(100_000))],
    ['409 without a size', () => new Response('-1', { status: 409 })],
    ['409 for ever', () => new Response('0\n', { status: 409 })],
  ])('that answers with %s adds nothing to the checkpoint', async (_, answer) => {
    faults.set('one.example', async () => answer());
    await grow();
    await cosignedBy(2, ['two.example/witness']);
    const own = () => requests.filter((host) => host === 'one.example').length;
    expect(own()).toBeLessThanOrEqual(2);
    const asked = own();
    // The log sends this witness nothing for 30 seconds, even if it grows.
    await grow();
    await cosignedBy(4, ['two.example/witness']);
    expect(own()).toBe(asked);
  });

  test('in a variable that cannot be read are none, and the log goes on', async () => {
    Object.assign(env, { WITNESSES: '[{"url":"http://10.0.0.1","key":"x"}]' });
    await grow();
    expect(await served()).toEqual({ size: 2, names: [] });
    expect(requests).toEqual([]);
  });
});

describe('a witness that is away', () => {
  /** Sends requests to one witness, and moves the clock to the time of each next one. */
  const asking = async (answer: () => Response, times: number) => {
    faults.set('one.example', async () => answer());
    let now = AT;
    const alerts: AlertBody[] = [];
    const states = new Map<string, WitnessState>();
    const pauses: number[] = [];
    let answered = Promise.withResolvers<void>();
    const deps: WitnessDeps = {
      witnesses: [{ url: 'https://one.example', key: first.noteKey }],
      table: { all: () => states, put: (name, state) => void states.set(name, state) },
      tree: () => ({ size: 5, checkpoint: `${origin}\n5\n\n— x AAAA\n`, proveGrowth: () => [] }),
      raise: async (alert) => alerts.push(alert) > 0,
      now: () => now,
      onAnswered: async () => answered.resolve(),
    };
    const witnesses = openWitnesses(deps);
    for (let time = 0; time < times; time += 1) {
      answered = Promise.withResolvers();
      witnesses.ask();
      await answered.promise;
      const dueAt = witnesses.dueAt() ?? now;
      pauses.push(dueAt - now);
      now = dueAt;
    }
    return { alerts, pauses, state: states.get(first.noteKey.name) ?? NEW_WITNESS };
  };

  test('is asked ever more rarely, and reported once after an hour', async () => {
    const { alerts, pauses } = await asking(() => new Response('', { status: 500 }), 14);
    expect(pauses.slice(0, 7)).toEqual([30, 60, 120, 240, 480, 900, 900]);
    expect(alerts).toEqual([
      {
        rule: 'witness',
        detail: {
          ...{ kind: 'away', witness: 'one.example/witness', since: AT },
          reason: 'it answered 500',
        },
      },
    ]);
  });

  test.each([
    ['a larger tree', () => new Response('6\n', { status: 409 })],
    ['another tree', () => new Response('', { status: 422 })],
  ])('because it knows %s is reported at once', async (_, answer) => {
    const { alerts } = await asking(answer, 3);
    expect(alerts).toEqual([
      { rule: 'witness', detail: expect.objectContaining({ kind: 'conflict' }) },
    ]);
  });
});
