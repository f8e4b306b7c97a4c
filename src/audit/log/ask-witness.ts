import { decodeUtf8, encodeBase64 } from '../../crypto/bytes.ts';
import { verifyNoteSignature } from './note-signature.ts';
import { type NoteKey, openNote, readNote } from './signed-note.ts';

/** The answer of a witness. */
export type WitnessAnswer =
  /** Its signature lines for this checkpoint, verified with its key. */
  | { readonly kind: 'cosigned'; readonly lines: string }
  /** It has cosigned a tree of this size, and requires a proof of growth from there. */
  | { readonly kind: 'knows'; readonly size: number }
  /** It has cosigned a different tree: the log was rolled back, or shows two histories. */
  | { readonly kind: 'conflict'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

export type WitnessQuestion = {
  readonly url: string;
  readonly key: NoteKey;
  /** The size of the tree that the witness has cosigned. */
  readonly old: number;
  /** Proves that the tree of the checkpoint extends the cosigned one. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
  /** The leaves of its tree. */
  readonly size: number;
};

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 16_384;
const SIZE = /^(?:0|[1-9]\d{0,15})\n?$/;

/**
 * Sends a checkpoint to a witness (https://c2sp.org/tlog-witness, `add-checkpoint`) and verifies its cosignature. One request, without
 * redirects. Never throws.
 */
export const askWitness = async (
  { url, key, old, proof, checkpoint, size }: WitnessQuestion,
  fetcher: typeof globalThis.fetch,
): Promise<WitnessAnswer> => {
  const body = `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`;
  const stop = new AbortController();
  // Not AbortSignal.timeout(): its timer would keep the object awake, and billed, after the answer.
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const response = await fetcher(`${url}/add-checkpoint`, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: stop.signal,
    });
    const text = await textOf(response);
    switch (response.status) {
      case 200:
        return await cosigned(text ?? '', checkpoint, key);
      case 409: {
        const known = SIZE.test(text ?? '') ? Number(text) : undefined;
        if (known === undefined) return { kind: 'failed', detail: '409 without a size' };
        return known > size
          ? { kind: 'conflict', detail: `it has cosigned ${known} leaves, the log has ${size}` }
          : { kind: 'knows', size: known };
      }
      case 422:
        return { kind: 'conflict', detail: 'it has cosigned another tree' };
      case 404:
        return { kind: 'failed', detail: 'it does not know this log' };
      case 403:
        return { kind: 'failed', detail: 'it does not accept the key of this log' };
      default:
        return { kind: 'failed', detail: `it answered ${response.status}` };
    }
  } catch (cause) {
    return { kind: 'failed', detail: `it did not answer: ${String(cause).slice(0, 100)}` };
  } finally {
    clearTimeout(timer);
  }
};

/** A hostile witness could send an endless body (CWE-400). */
const textOf = async (response: Response): Promise<string | undefined> => {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const bytes: number[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return decodeUtf8(Uint8Array.from(bytes));
    bytes.push(...value);
    if (bytes.length <= MAX_ANSWER) continue;
    await reader.cancel();
    return undefined;
  }
};

/** Keeps the first line of this witness that verifies over the checkpoint; a witness may not send signatures of others. */
const cosigned = async (
  answer: string,
  checkpoint: string,
  key: NoteKey,
): Promise<WitnessAnswer> => {
  const note = readNote(checkpoint);
  if (!note.ok) return { kind: 'failed', detail: 'the checkpoint is no note' };
  for (const line of answer.split('\n').filter((each) => each !== '')) {
    const opened = await openNote(`${note.value.text}\n${line}\n`, [key], verifyNoteSignature);
    if (opened.ok) return { kind: 'cosigned', lines: `${line}\n` };
  }
  return { kind: 'failed', detail: 'it sent no valid cosignature' };
};
