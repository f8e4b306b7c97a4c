import * as z from 'zod/mini';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { readWitnesses } from '../../config/witness-setting.ts';
import { type Check, failure } from '../lib/checks.ts';

const keySchema = z.looseObject({ x: z.string() });

/** Checks the settings of the transparency log. The Worker does not refuse faulty ones: the log would only lack checkpoints or witnesses. */
export const logSettingChecks = (
  values: Readonly<Record<string, string | undefined>>,
  reach: EgressReach,
): readonly Check[] => {
  const witnesses = readWitnesses(values['WITNESSES'] ?? '', reach);
  const textOf = (name: string): string => (values[name] ?? '').trim();
  const receipt = publicKeyIn(values['RECEIPT_KEY']);
  return [
    ...(witnesses.ok
      ? []
      : witnesses.error.map((reason) => failure('WITNESSES', reason, 'Correct it and deploy.'))),
    ...['LOG_KEY', 'LOG_KEY_NEXT'].flatMap((name) => keyChecks(name, textOf(name), receipt)),
    ...(textOf('LOG_KEY_NEXT') !== '' && textOf('LOG_KEY') === ''
      ? [
          failure(
            'LOG_KEY_NEXT',
            'signs beside LOG_KEY, which is not set',
            'Set LOG_KEY as well: docs/keys.md#transparency-log.',
          ),
        ]
      : []),
  ];
};

const keyChecks = (name: string, text: string, receipt: string | undefined): readonly Check[] => {
  const key = publicKeyIn(text);
  if (text !== '' && key === undefined) {
    const hint = '`countersign keys jwk` prints one.';
    return [failure(name, 'must be an Ed25519 private key as JWK', hint)];
  }
  if (key === undefined || key !== receipt) return [];
  const hint = 'Make one of its own: whoever replaces one must not have to replace the other.';
  return [failure(name, 'must be another key than RECEIPT_KEY', hint)];
};

const publicKeyIn = (text = ''): string | undefined => {
  try {
    return keySchema.safeParse(JSON.parse(text)).data?.x;
  } catch {
    return undefined;
  }
};
