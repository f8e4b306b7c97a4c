import { type LimitWarning, limitWarnings } from '../catalog/limit-warning.ts';
import type { Seconds } from '../core/clock.ts';
import type { Policy } from '../policy/policy.ts';
import { parsePolicy } from '../policy/policy.ts';
import { standingOf } from './account.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AdminContext } from './admin-context.ts';
import { give, orderedBody } from './command.ts';
import { refuse, reply, type Replied } from './reply.ts';

/** Whose policy: both bind, whoever writes the other. */
type Slot = 'operator' | 'owner';
type Read = AdminRequest<'account.policy.get'>;
type Write = AdminRequest<'account.policy.delete'>;

const get =
  (slot: Slot) =>
  async (asked: Read): Promise<Replied> => {
    const { account } = asked.params;
    const found = await standingOf(asked, account);
    if (!found.ok) return found;
    const kept = found.value.policies.find(
      (each) => each.kind === slot && each.account === account,
    );
    return kept === undefined
      ? refuse({ reason: 'unknown_document', what: `policy of this account’s ${slot}` })
      : reply(kept.policy, kept.hash);
  };

const write = async (
  slot: Slot,
  { context, params, by, order, expected, dryRun, now }: Write,
  document: unknown,
  policy?: Policy,
): Promise<Replied> => {
  const given = await give(context, params.account, {
    ...{ kind: 'policy', slot, document, by, order },
    ...(expected === undefined ? {} : { expected }),
    ...(dryRun ? { dryRun } : {}),
  });
  if (!given.ok) return given;
  const warnings = policy === undefined ? [] : await warningsOf(context, policy, now);
  const body = {
    ...orderedBody(given.value),
    ...(dryRun ? { dry_run: true as const } : {}),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return reply(body, given.value.current);
};

const warningsOf = async (
  context: AdminContext,
  policy: Policy,
  now: Seconds,
): Promise<LimitWarning[]> => [
  ...limitWarnings(await context.catalogue.current(now, context.waitUntil), policy),
];

const put =
  (slot: Slot) =>
  async (asked: AdminRequest<'account.policy.put'>): Promise<Replied> => {
    // The account reads it again; here every fault is said at once.
    const parsed = parsePolicy(asked.body);
    if (parsed.ok) return write(slot, { ...asked, body: undefined }, asked.body, parsed.value);
    const faults = parsed.error.map(({ field, reason }) => ({ field: `body.${field}`, reason }));
    return refuse({ reason: 'malformed_document', faults });
  };

const remove = (slot: Slot) => (asked: Write) => write(slot, asked, null);

export const getOperators: Handler<'accounts.policy.get'> = get('operator');
export const putOperators: Handler<'accounts.policy.put'> = put('operator');
export const deleteOperators: Handler<'accounts.policy.delete'> = remove('operator');
export const getOwners: Handler<'account.policy.get'> = get('owner');
export const putOwners: Handler<'account.policy.put'> = put('owner');
export const deleteOwners: Handler<'account.policy.delete'> = remove('owner');
