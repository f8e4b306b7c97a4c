import { describe, expect, test } from 'vitest';
import { checkpointText, parseCheckpoint } from '../../../../src/audit/log/checkpoint.ts';
import {
  cosign,
  cosignedAt,
  signNote,
  verifyNoteSignature,
} from '../../../../src/audit/log/note-signature.ts';
import {
  keyIdOf,
  type NoteKey,
  openNote,
  parseVerifierKey,
  readNote,
  SIGNATURE_TYPE,
  verifierKey,
  writeNote,
} from '../../../../src/audit/log/signed-note.ts';
import { decodeBase64, encodeBase64 } from '../../../../src/crypto/bytes.ts';
import { CHECKPOINTS, KEY, ORIGIN, privateKey, publicKey, VERIFIER_KEY } from './vectors.ts';

const [, , third] = CHECKPOINTS;
const TEXT = `${ORIGIN}\n${third.size}\n${third.root}\n`;
const NOTE = `${TEXT}\n— ${ORIGIN} ${third.signature}\n`;
const WITNESS = {
  name: 'witness.example',
  type: SIGNATURE_TYPE.cosignature,
  publicKey: publicKey(),
};
const TIME = 1_795_737_600;

const open = async (note: string, keys: readonly NoteKey[] = [KEY]) =>
  openNote(note, keys, verifyNoteSignature);

describe('a checkpoint', () => {
  test('is signed to the same bytes as by the implementation of Go', async () => {
    const key = await privateKey();
    for (const { size, root, signature } of CHECKPOINTS) {
      const hash = decodeBase64(root) ?? new Uint8Array();
      const text = checkpointText({ origin: ORIGIN, size, root: hash });
      const note = writeNote({ text, signatures: [await signNote(KEY, key, text)] });
      expect(note).toBe(`${ORIGIN}\n${size}\n${root}\n\n— ${ORIGIN} ${signature}\n`);
      const opened = await open(note);
      expect(opened).toMatchObject({ ok: true, value: { text, signers: [KEY] } });
      expect(parseCheckpoint(text)).toEqual({ origin: ORIGIN, size, root: hash });
    }
  });

  test.each([
    ['an altered size', NOTE.replace('\n3\n', '\n4\n')],
    ['another origin', NOTE.replace(`${ORIGIN}\n3`, 'other.example/log/2026\n3')],
    ['another root', NOTE.replace(third.root, CHECKPOINTS[1].root)],
    ['a further line', NOTE.replace('\n\n', '\nmore\n\n')],
    ['a signature of another text', NOTE.replace(third.signature, CHECKPOINTS[1].signature)],
  ])('does not open with %s', async (_, note) => {
    expect(await open(note)).toEqual({
      ok: false,
      error: { kind: 'bad_signature', name: ORIGIN },
    });
  });

  test('opens with unknown signatures, and not without a known one', async () => {
    const unknown = `— other.example ${encodeBase64(new Uint8Array(68))}\n`;
    expect(await open(`${NOTE}${unknown}`)).toMatchObject({ ok: true });
    expect(await open(`${TEXT}\n${unknown}`)).toEqual({ ok: false, error: { kind: 'unsigned' } });
    expect(await open(NOTE, [])).toEqual({ ok: false, error: { kind: 'unsigned' } });
    // A key with another name or type is another key.
    expect(await open(NOTE, [{ ...KEY, name: 'other.example' }])).toMatchObject({ ok: false });
    expect(await open(NOTE, [{ ...KEY, type: SIGNATURE_TYPE.cosignature }])).toMatchObject({
      ok: false,
    });
  });

  test.each([
    ['no signatures', TEXT],
    ['no empty line', NOTE.replace('\n\n', '\n')],
    ['an unfinished line', NOTE.slice(0, -1)],
    ['a hyphen for the dash', NOTE.replace('—', '-')],
    ['base64 that is not canonical', NOTE.replace('Qc=\n', 'Qd=\n')],
    ['a signature without bytes', `${TEXT}\n— ${ORIGIN} ScHvCQ==\n`],
    ['control characters', NOTE.replace('gateway', 'gate\tway')],
    ['65 signatures', `${TEXT}\n${`— ${ORIGIN} ${third.signature}\n`.repeat(65)}`],
    ['more than 64 KiB', `${'a'.repeat(65_536)}\n${NOTE}`],
  ])('is no note with %s', (_, note) => {
    expect(readNote(note)).toMatchObject({ ok: false, error: { kind: 'malformed' } });
  });

  test.each([
    'gateway.example\n03\nAAAA\n',
    `gateway.example\n3\n${third.root}`,
    `gateway.example\n-1\n${third.root}\n`,
    `gate way\n3\n${third.root}\n`,
    `\n3\n${third.root}\n`,
    'gateway.example\n3\nAAAA\n',
    `gateway.example\n9007199254740993\n${third.root}\n`,
    `gateway.example\n3\n${third.root}\n\nmore\n`,
  ])('is none in another form', (text) => {
    expect(parseCheckpoint(text)).toBeUndefined();
  });

  test('may have further lines', () => {
    expect(parseCheckpoint(`${TEXT}more\n`)).toMatchObject({ origin: ORIGIN, size: 3 });
  });
});

describe('a verifier key', () => {
  test('has the text form of the implementation of Go', () => {
    expect(verifierKey(KEY)).toBe(VERIFIER_KEY);
    expect(keyIdOf(KEY)).toBe('49c1ef09');
    expect(parseVerifierKey(VERIFIER_KEY)).toEqual(KEY);
  });

  test.each([
    VERIFIER_KEY.replace('49c1ef09', '49c1ef0a'),
    VERIFIER_KEY.replace('gateway', 'getaway'),
    VERIFIER_KEY.slice(0, -4),
    VERIFIER_KEY.replace(ORIGIN, ''),
    'a+b',
    '',
  ])('is none with another id, name or length', (text) => {
    expect(parseVerifierKey(text)).toBeUndefined();
  });
});

describe('a cosignature of a witness', () => {
  test('covers text and time', async () => {
    const signature = await cosign(WITNESS, await privateKey(), TEXT, TIME);
    expect(cosignedAt(signature)).toBe(TIME);
    const note = writeNote({ text: TEXT, signatures: [signature] });
    expect(await open(note, [WITNESS])).toMatchObject({ ok: true, value: { signers: [WITNESS] } });
    const later = signature.bytes.with(7, (signature.bytes[7] ?? 0) + 1);
    const altered = writeNote({ text: TEXT, signatures: [{ ...signature, bytes: later }] });
    expect(await open(altered, [WITNESS])).toMatchObject({ ok: false });
  });

  test('is no signature of the log, and the reverse', async () => {
    const key = await privateKey();
    const { bytes } = await signNote(KEY, key, TEXT);
    expect(await verifyNoteSignature(WITNESS, TEXT, bytes)).toBe(false);
    const cosigned = await cosign(WITNESS, key, TEXT, TIME);
    expect(await verifyNoteSignature(KEY, TEXT, cosigned.bytes)).toBe(false);
    expect(await verifyNoteSignature({ ...KEY, type: 0x06 }, TEXT, bytes)).toBe(false);
    expect(cosignedAt({ bytes })).toBeUndefined();
  });
});
