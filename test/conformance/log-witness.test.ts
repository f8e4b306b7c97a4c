import { serve, type ServerType } from '@hono/node-server';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { freePort, LOOPBACK } from '../../dev/stack/loopback.ts';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { parseKeyList } from '../../src/audit/log/key-list.ts';
import { cosignedAt, verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import { type NoteKey, openNote } from '../../src/audit/log/signed-note.ts';
import { openTestWitness } from '../support/witness.ts';
import { nowSeconds, pay, trustedAccount } from './support/payment.ts';
import { lookup, useWorld } from './support/world.ts';

const logs: NoteKey[] = [];
const witness = await openTestWitness('witness.example/w1', logs, nowSeconds);
const port = await freePort();
const server: ServerType = serve({ fetch: witness.serve, hostname: LOOPBACK, port });
afterAll(() => void server.close());

const WITNESSES = JSON.stringify([{ url: `http://${LOOPBACK}:${port}`, key: witness.key }]);
const world = useWorld({ variables: { WITNESSES } });

const get = async (path: string): Promise<string> =>
  (await fetch(`${world().stack.gateway.url}/log/${path}`)).text();

describe('a witness of a running gateway', () => {
  it('cosigns the log of a paid call', async () => {
    const key = parseKeyList(await get('keys'))?.[0].key;
    if (key === undefined) throw new Error('no key');
    logs.push(key);
    const began = nowSeconds();
    const account = await trustedAccount(world(), { reports: 0, balance: 100_000n });
    expect((await pay(world(), account, lookup)).status).toBe(200);
    // The log grows until the payment has settled, so for a moment the witness may have cosigned a larger tree than the gateway serves.
    const signatures = await vi.waitFor(
      async () => {
        const keys = [key, witness.noteKey];
        const opened = await openNote(await get('checkpoint'), keys, verifyNoteSignature);
        if (!opened.ok) throw new Error(JSON.stringify(opened.error));
        const { text, signers } = opened.value;
        expect(signers).toHaveLength(2);
        expect(witness.trees.get(key.name)?.size).toBe(parseCheckpoint(text)?.size);
        return opened.value.signatures;
      },
      { timeout: 60_000, interval: 250 },
    );
    const line = signatures.find(({ name }) => name === witness.noteKey.name);
    const at = line === undefined ? undefined : cosignedAt(line);
    expect(at).toBeGreaterThanOrEqual(began);
    expect(at).toBeLessThanOrEqual(nowSeconds());
  });
});
