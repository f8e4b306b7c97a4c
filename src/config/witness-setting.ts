import * as z from 'zod/mini';
import { ok } from '../core/result.ts';
import { type NoteKey, parseVerifierKey, SIGNATURE_TYPE } from '../audit/log/signed-note.ts';
import { MAX_URLS, readJson, type Setting, urlSchema } from './json-setting.ts';
import type { EgressReach } from '../protocol/egress-url.ts';

/** A witness of the transparency log (https://c2sp.org/tlog-witness). */
export type Witness = {
  /** The prefix of its API, without a slash at the end. */
  readonly url: string;
  /** Verifies its cosignatures. */
  readonly key: NoteKey;
};

const KEY = 'must be the verifier key of a witness, of type 0x04: <name>+<8 hex digits>+<base64>';
const EXAMPLE = '[{"url":"https://witness.example","key":"witness.example+…+…"}]';

const schema = (reach: EgressReach) =>
  z
    .array(
      z.strictObject({ url: urlSchema(reach), key: z.string(KEY).check(z.maxLength(400, KEY)) }),
      `must be an array of {url, key}, e.g. ${EXAMPLE}`,
    )
    .check(z.maxLength(MAX_URLS, `may hold at most ${MAX_URLS} witnesses`));

/** Reads `WITNESSES`, JSON. An empty variable names none. */
export const readWitnesses = (text: string, reach: EgressReach): Setting<readonly Witness[]> => {
  if (text.trim() === '') return ok([]);
  const read = readJson(text, schema(reach), EXAMPLE);
  if (!read.ok) return read;
  const faults: string[] = [];
  const witnesses = read.value.flatMap(({ url, key }, at): Witness[] => {
    const parsed = parseVerifierKey(key);
    if (parsed?.type !== SIGNATURE_TYPE.cosignature) {
      faults.push(`at ${at}.key: ${KEY}`);
      return [];
    }
    return [{ url: url.replace(/\/+$/, ''), key: parsed }];
  });
  const names = witnesses.map(({ key }) => key.name);
  if (new Set(names).size !== names.length) faults.push('names a witness twice');
  return faults.length > 0 ? { ok: false, error: faults } : ok(witnesses);
};
