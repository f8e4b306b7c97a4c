import { err, ok, type Result } from '../../core/result.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { thumbprint } from '../../crypto/thumbprint.ts';
import { faultsOf } from '../../protocol/fault.ts';
import { readKeyReference } from '../../protocol/key-reference.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import {
  type backupBody,
  type enrolBody,
  type policyBody,
  type revokeBody,
  type rotateBody,
  SIGNER_BODIES,
} from '../../protocol/signer/management.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import type * as z from 'zod/mini';
import type { Enrolment, KeyringCommand } from '../keyring-contract.ts';

export type CommandRoute = keyof typeof SIGNER_BODIES;

/** Reads the command in the body of a request. Faults name fields, never values. */
export const readCommand = async (
  route: CommandRoute,
  body: Uint8Array,
): Promise<Result<KeyringCommand, Reason>> => {
  const text = decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (json?.ok !== true) {
    return malformed('body', 'must be strict JSON in UTF-8: unique keys, at most 16 levels');
  }
  const parsed = SIGNER_BODIES[route].safeParse(json.value);
  if (!parsed.success) {
    const faults = faultsOf(parsed.error.issues).map(({ field, reason }) => ({
      field: field === '' ? 'body' : `body.${field}`,
      reason,
    }));
    return err({ reason: 'malformed_document', faults });
  }
  switch (route) {
    case 'agents.enrol':
      return enrolmentOf(parsed.data as z.output<typeof enrolBody>);
    case 'agents.policy':
      return ok({ kind: 'policy', ...(parsed.data as z.output<typeof policyBody>) });
    case 'agents.revoke':
      return ok({ kind: 'revoke', ...(parsed.data as z.output<typeof revokeBody>) });
    case 'agents.rotate': {
      const { agent, jwk, overlap } = parsed.data as z.output<typeof rotateBody>;
      return ok({ kind: 'rotate', agent, overlap, keyId: await thumbprint(jwk.x), x: jwk.x });
    }
    case 'seed.make':
      return ok({ kind: 'seed' });
    case 'seed.backup':
      return ok({ kind: 'backup', ...(parsed.data as z.output<typeof backupBody>) });
  }
};

const enrolmentOf = async ({
  agents,
  policy,
}: z.output<typeof enrolBody>): Promise<Result<KeyringCommand, Reason>> => {
  const enrolments: Enrolment[] = [];
  for (const [at, { jwk, label, key }] of agents.entries()) {
    const reference = key === undefined ? undefined : readKeyReference(key);
    if (reference?.ok === false) return malformed(`body.agents[${at}].key`, reference.error);
    enrolments.push({
      ...{ keyId: await thumbprint(jwk.x), x: jwk.x },
      ...(label === undefined ? {} : { label }),
      ...(reference === undefined ? {} : { key: reference.value }),
    });
  }
  return ok({ kind: 'enrol', agents: enrolments, policy });
};

const malformed = (field: string, hint: string): Result<never, Reason> =>
  err({ reason: 'malformed_request', field, hint });
