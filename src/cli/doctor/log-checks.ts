import { join } from 'node:path';
import * as z from 'zod/mini';
import { type Checkpoint, parseCheckpoint } from '../../audit/log/checkpoint.ts';
import { hasOnlyGrown } from '../../audit/log/growth.ts';
import { parseKeyList } from '../../audit/log/key-list.ts';
import { verifyNoteSignature } from '../../audit/log/note-signature.ts';
import { keyIdOf, openNote, verifierKey } from '../../audit/log/signed-note.ts';
import { readCopy } from '../../client/json.ts';
import { decodeBase64, decodeUtf8, encodeBase64 } from '../../crypto/bytes.ts';
import { readText, writeFiles } from '../lib/atomic-file.ts';
import { type Check, failure, passed, skipped, warning } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { counted } from '../lib/text.ts';

const NAME = 'transparency log';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;
const KEEP = 'Keep the file, and compare checkpoints with other readers: docs/audit-log.md.';

/**
 * Checks the public log of a gateway: its newest checkpoint is signed by its listed keys, and the tree extends the one that this machine
 * saw last.
 *
 * @param home the directory that keeps what was seen.
 */
export const logChecks = async (
  gateway: string,
  home: string,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await fetch(`${gateway}/log/${path}`, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const bytes = await readCopy(response, MAX_BYTES, TIMEOUT_MS);
    return response.status === 200 ? bytes : undefined;
  };
  const text = async (path: string): Promise<string> =>
    decodeUtf8((await get(path)) ?? new Uint8Array()) ?? '';
  try {
    const note = await text('checkpoint');
    const listed = parseKeyList(await text('keys'));
    if (listed === undefined) {
      const hint = 'Set the secret LOG_KEY to have one: docs/audit-log.md.';
      return [skipped(NAME, 'the gateway publishes none', hint)];
    }
    if (note === '') {
      const hint = 'The first call makes the first leaf, within half a minute.';
      return [skipped(NAME, 'the log has no checkpoint yet', hint)];
    }
    const keys = listed.map(({ key }) => key);
    const opened = await openNote(note, keys, verifyNoteSignature);
    const tree = opened.ok ? parseCheckpoint(opened.value.text) : undefined;
    const signers = opened.ok ? opened.value.signers : [];
    if (!opened.ok || tree === undefined || !signers.every(({ name }) => name === tree.origin)) {
      return [failure(NAME, 'no key that it lists signed its checkpoint', KEEP)];
    }
    const witnesses = opened.value.signatures.filter(({ name }) => name !== tree.origin).length;
    const says = [
      `${tree.size === 1 ? '1 leaf' : `${tree.size} leaves`} in ${tree.origin}`,
      ...(signers.length > 1 ? [`signed by ${signers.map(keyIdOf).join(' and ')}`] : []),
      counted(witnesses, 'cosignature'),
    ].join(', ');
    const silent = listed.find(
      ({ key, from, until }) => from !== undefined && until === undefined && !signers.includes(key),
    );
    if (silent !== undefined) {
      return [
        warning(
          NAME,
          `${says}; the key ${keyIdOf(silent.key)} did not sign it, and /log/keys says that it signs`,
          'Run the command again in five minutes: caches may be so far behind. If it stays so, keep the checkpoint, and ask the operator.',
        ),
      ];
    }
    return [await growthCheck(tree, signers.map(verifierKey), home, says, get)];
  } catch (error) {
    signal.throwIfAborted();
    return [failure(NAME, cliErrorOf(error).message, 'Look at the logs of the Worker.')];
  }
};

const FILE = 'log-checkpoints.json';
const seenSchema = z.record(
  z.string(),
  z.strictObject({ keys: z.array(z.string()), size: z.int(), root: z.string() }),
);

/** Compares a tree with the last one that this machine saw, and keeps it. */
const growthCheck = async (
  tree: Checkpoint,
  keys: readonly string[],
  home: string,
  says: string,
  get: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Check> => {
  const path = join(home, FILE);
  const all = seenIn((await readText(path).catch(() => undefined)) ?? '{}');
  const seen = all[tree.origin];
  const root = seen === undefined ? undefined : decodeBase64(seen.root);
  const keep = async (): Promise<void> => {
    const now = { keys: [...keys], size: tree.size, root: encodeBase64(tree.root) };
    const next = { ...all, [tree.origin]: now };
    await writeFiles([{ path, text: `${JSON.stringify(next, undefined, 2)}\n` }], undefined);
  };
  if (seen === undefined || root === undefined) {
    await keep();
    return passed(NAME, `${says}; seen for the first time`);
  }
  if (seen.size > tree.size) {
    return warning(
      NAME,
      `${says}; it had ${seen.size} before`,
      `A cache may be behind: run the command again. If it stays so, the log was rolled back. ${KEEP}`,
    );
  }
  const year = tree.origin.slice(-4);
  const tile = async (place: string): Promise<Uint8Array> =>
    (await get(`${year}/tile/${place}`)) ?? new Uint8Array();
  if (!(await hasOnlyGrown({ size: seen.size, root }, tree, tile))) {
    return failure(NAME, `${says}; it does not extend the ${seen.size} seen before`, KEEP);
  }
  await keep();
  return keys.some((key) => seen.keys.includes(key))
    ? passed(NAME, `${says}; it extends the ${seen.size} seen before`)
    : warning(
        NAME,
        `${says}; it has another key than before`,
        'That is right if the operator replaced LOG_KEY since: see /log/keys, and tell auditors and witnesses.',
      );
};

/** An unreadable file counts as a first visit. */
const seenIn = (text: string): z.output<typeof seenSchema> => {
  try {
    return seenSchema.safeParse(JSON.parse(text)).data ?? {};
  } catch {
    return {};
  }
};
