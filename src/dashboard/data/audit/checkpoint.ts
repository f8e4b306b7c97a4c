import { parseKeyList } from '../../../audit/log/key-list.ts';
import { parseCheckpoint } from '../../../audit/log/checkpoint.ts';
import { cosignedAt, verifyNoteSignature } from '../../../audit/log/note-signature.ts';
import { openNote, verifierKey } from '../../../audit/log/signed-note.ts';
import type { Seconds } from '../../../core/clock.ts';
import { encodeBase64 } from '../../../crypto/bytes.ts';
import { logKeysOf, publicText } from './public-text.ts';

/** The newest checkpoint of the log, as this browser read and verified it. */
export type SignedCheckpoint = {
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: string;
  readonly key: string;
  readonly isSigned: boolean;
  /** Other servers that signed it. They are not verified here: auditors get their keys from another source. */
  readonly witnesses: readonly { readonly name: string; readonly at: number | undefined }[];
  readonly text: string;
};

/**
 * Reads the newest checkpoint that the gateway serves to anyone: of the current year, or of the year before until the new log has its first
 * leaf, which names the checkpoint of that year. Undefined if the gateway keeps no log, or has not signed a checkpoint yet.
 */
export const readCheckpoint = async (now: Seconds): Promise<SignedCheckpoint | undefined> => {
  const current = new Date(now * 1_000).getUTCFullYear();
  return (await checkpointOf(current)) ?? (await checkpointOf(current - 1));
};

const checkpointOf = async (year: number): Promise<SignedCheckpoint | undefined> => {
  const text = await publicText(`/log/${year}/checkpoint`);
  const read =
    text === undefined ? undefined : parseCheckpoint(text.slice(0, text.indexOf('\n\n') + 1));
  if (text === undefined || read === undefined) return undefined;
  const list = await logKeysOf(year);
  const parsed = list === undefined ? undefined : parseKeyList(list)?.map(({ key }) => key);
  if (parsed === undefined) return undefined;
  const opened = await openNote(text, parsed, verifyNoteSignature);
  const others = opened.ok
    ? opened.value.signatures.filter(({ name }) => name !== read.origin)
    : [];
  return {
    ...{
      origin: read.origin,
      size: read.size,
      root: encodeBase64(read.root),
      key: parsed.map(verifierKey).join(' '),
      text,
    },
    isSigned: opened.ok,
    witnesses: others.map((line) => ({ name: line.name, at: cosignedAt(line) })),
  };
};
