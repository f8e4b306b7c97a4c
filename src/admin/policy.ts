import { parsePolicy } from '../policy/schema.ts';
import { standingOf } from './accounts.ts';
import { kinOf } from './admit.ts';
import type { Asked, Handler } from './asked.ts';
import { give, orderedBody } from './order.ts';
import { refuse, reply, type Replied } from './reply.ts';

/** Whose policy: both bind, whoever writes the other. */
type Slot = 'operator' | 'owner';
type Read = Asked<'account.policy.get'>;
type Write = Asked<'account.policy.delete'>;

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
  { office, params, by, order, expected, dryRun }: Write,
  document: unknown,
): Promise<Replied> => {
  // An account of the release before, which knows no kin either, would take a dry run for an order.
  if (dryRun && (await kinOf(office, params.account, by.account)).verdict === 'unavailable') {
    return refuse({ reason: 'storage_unavailable' });
  }
  const given = await give(office, params.account, {
    ...{ kind: 'policy', slot, document, by, order },
    ...(expected === undefined ? {} : { expected }),
    ...(dryRun ? { dryRun } : {}),
  });
  if (!given.ok) return given;
  const body = orderedBody(given.value);
  return reply(dryRun ? { ...body, dry_run: true } : body, given.value.current);
};

const put =
  (slot: Slot) =>
  async (asked: Asked<'account.policy.put'>): Promise<Replied> => {
    // The account reads it again; here every fault is said at once.
    const parsed = parsePolicy(asked.body);
    if (parsed.ok) return write(slot, { ...asked, body: undefined }, asked.body);
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
