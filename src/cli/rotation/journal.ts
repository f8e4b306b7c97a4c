import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type Address, type Hex, isAddress } from '../../core/hex.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import {
  type AgentDelegation,
  agentDelegationSchema,
  delegationFields,
} from '../../protocol/intent/agent-delegation.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText, writeFiles } from '../lib/atomic-file.ts';
import { CliError } from '../lib/errors.ts';
import { homeOf, type Session } from '../lib/session.ts';

const address = z.custom<Address>((value) => typeof value === 'string' && isAddress(value));
const hash = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value));
const units = z.pipe(
  z.string().check(z.regex(/^(0|[1-9][0-9]{0,77})$/)),
  z.transform((text: string) => BigInt(text)),
);
const policy = z.custom<PolicyDocument>((value) => typeof value === 'object' && value !== null);
const time = z.int().check(z.nonnegative());
const key = z.strictObject({ name: z.string().check(z.maxLength(128)), address });

/**
 * `planned`: the gateway has at most got the cap of the old key. `issuing`: the new grants are fixed and some may be registered. `overlap`:
 * both keys live. `revoked`: the old grants have ended, and the lowered windows of the new key have not.
 */
const schema = z.strictObject({
  v: z.literal(1),
  gateway: z.string().check(z.maxLength(2_048)),
  owner: address,
  step: z.enum(['planned', 'issuing', 'overlap', 'revoked']),
  old: key,
  new: key,
  overlap_until: time,
  /** The amount that the old key may spend during the overlap, and the limit in its policy that enforces it. */
  allowance: units,
  cap: units,
  /** The owner's policy for the old key before the rotation. */
  before: z.nullable(policy),
  /** The old grants and their successors; null where nothing remains. Fixed before the first is signed. */
  grants: z.array(
    z.strictObject({ old: hash, id: hash, successor: z.nullable(agentDelegationSchema) }),
  ),
  during: z.nullable(policy),
  /** When the lowered windows may be lifted. */
  lift_at: time,
});

/** The finished and remaining steps of a rotation. Written before each step, so that an interrupted command can continue. */
export type Journal = Omit<z.output<typeof schema>, 'grants'> & {
  readonly grants: readonly {
    readonly old: Hex;
    readonly id: Hex;
    readonly successor: AgentDelegation | null;
  }[];
};

const fileOf = ({ env }: Session, old: Address): string =>
  join(homeOf(env), 'rotations', `${old}.json`);

/** The rotation of an old key that this machine has begun. @throws CliError if its file is damaged */
export const readJournal = async (session: Session, old: Address): Promise<Journal | undefined> => {
  const path = fileOf(session, old);
  const text = await readText(path);
  if (text === undefined) return undefined;
  const json = parseStrictJson(text);
  const read = json.ok ? schema.safeParse(json.value) : undefined;
  if (read?.success === true && read.data.old.address === old) return read.data;
  throw new CliError(`The command cannot read ${path}, which says how far the rotation is.`, {
    hint: 'Look at the grants of both keys with `countersign accounts show`, finish by hand as docs/keys.md says, and remove the file.',
    code: 'rotation_damaged',
  });
};

export const writeJournal = async (session: Session, journal: Journal): Promise<void> => {
  const grants = journal.grants.map((grant) => ({
    ...grant,
    successor: grant.successor === null ? null : delegationFields(grant.successor),
  }));
  const text = JSON.stringify({ ...journal, grants }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const path = fileOf(session, journal.old.address);
  await writeFiles([{ path, text: `${text}\n`, mode: 0o600 }], session.signal);
};

export const removeJournal = async (session: Session, { old }: Journal): Promise<void> =>
  await rm(fileOf(session, old.address), { force: true });
