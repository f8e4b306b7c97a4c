import * as z from 'zod/mini';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { readWitnesses } from '../../witness-setting.ts';
import { type Check, failure } from '../lib/checks.ts';

const keySchema = z.looseObject({ x: z.string() });

/** Checks the settings of the transparency log. The Worker does not refuse faulty ones: the log would only lack checkpoints or witnesses. */
export const logSettingChecks = (
  values: Readonly<Record<string, string | undefined>>,
  reach: EgressReach,
): readonly Check[] => {
  const witnesses = readWitnesses(values['WITNESSES'] ?? '', reach);
  const [log, receipt] = [publicKeyIn(values['LOG_KEY']), publicKeyIn(values['RECEIPT_KEY'])];
  const given = (values['LOG_KEY'] ?? '').trim();
  return [
    ...(witnesses.ok
      ? []
      : witnesses.error.map((reason) => failure('WITNESSES', reason, 'Correct it and deploy.'))),
    ...(given !== '' && log === undefined
      ? [
          failure(
            'LOG_KEY',
            'must be an Ed25519 private key as JWK',
            '`npm run keys` of a checkout prints one, or `countersign init` in an empty directory.',
          ),
        ]
      : []),
    ...(log !== undefined && log === receipt
      ? [
          failure(
            'LOG_KEY',
            'must be another key than RECEIPT_KEY',
            'Make one of its own: whoever replaces one must not have to replace the other.',
          ),
        ]
      : []),
  ];
};

const publicKeyIn = (text = ''): string | undefined => {
  try {
    return keySchema.safeParse(JSON.parse(text)).data?.x;
  } catch {
    return undefined;
  }
};
