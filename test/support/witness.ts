import { type Checkpoint, parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { emptyRoot } from '../../src/audit/log/merkle-tree.ts';
import { cosign, verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import {
  type NoteKey,
  openNote,
  SIGNATURE_TYPE,
  verifierKey,
  writeNote,
} from '../../src/audit/log/signed-note.ts';
import { verifyConsistency } from '../../src/audit/log/verify-proof.ts';
import { decodeBase64 } from '../../src/crypto/bytes.ts';

/**
 * A witness (https://c2sp.org/tlog-witness) with its state in memory: it verifies a checkpoint's signature and consistency, and cosigns it.
 */
export type TestWitness = {
  /** Its verifier key, for `WITNESSES`. */
  readonly key: string;
  readonly noteKey: NoteKey;
  readonly serve: (request: Request) => Promise<Response>;
  /** The status of each answer so far. */
  readonly answered: number[];
  /** The latest tree that it cosigned, by origin. */
  readonly trees: Map<string, Pick<Checkpoint, 'size' | 'root'>>;
};

/** @param logs keys of the logs that it accepts. */
export const openTestWitness = async (
  name: string,
  logs: readonly NoteKey[],
  now: () => number,
): Promise<TestWitness> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const publicKey = new Uint8Array(
    (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer,
  );
  const noteKey = { name, type: SIGNATURE_TYPE.cosignature, publicKey };
  const trees: TestWitness['trees'] = new Map();
  const answered: number[] = [];

  const answer = async (request: Request): Promise<Response> => {
    const body = await request.text();
    const end = body.indexOf('\n\n');
    const [old = '', ...hashes] = body.slice(0, end).split('\n');
    const proof = hashes.map((hash) => decodeBase64(hash) ?? new Uint8Array());
    const from = /^old (?<size>0|[1-9]\d*)$/.exec(old)?.groups?.['size'];
    const checkpoint = body.slice(end + 2);
    const origin = checkpoint.split('\n', 1)[0] ?? '';
    if (end < 0 || from === undefined) return new Response('malformed', { status: 400 });
    const keys = logs.filter((key) => key.name === origin);
    if (keys.length === 0) return new Response('unknown origin', { status: 404 });
    const note = await openNote(checkpoint, keys, verifyNoteSignature);
    const tree = note.ok ? parseCheckpoint(note.value.text) : undefined;
    if (!note.ok || tree === undefined) return new Response('not signed', { status: 403 });
    const known = trees.get(origin) ?? { size: 0, root: emptyRoot() };
    if (Number(from) > tree.size) return new Response('malformed', { status: 400 });
    if (Number(from) !== known.size) {
      const headers = { 'Content-Type': 'text/x.tlog.size' };
      return new Response(`${known.size}\n`, { status: 409, headers });
    }
    if (!verifyConsistency(known, tree, proof)) return new Response('proof', { status: 422 });
    trees.set(origin, tree);
    const line = await cosign(noteKey, pair.privateKey, note.value.text, now());
    return new Response(writeNote({ text: '', signatures: [line] }).trimStart());
  };

  return {
    key: verifierKey(noteKey),
    ...{ noteKey, answered, trees },
    serve: async (request) => {
      if (new URL(request.url).pathname !== '/add-checkpoint' || request.method !== 'POST') {
        return new Response('not found', { status: 404 });
      }
      const response = await answer(request);
      answered.push(response.status);
      return response;
    },
  };
};
