import { type LimitWarning, limitWarnings } from '../catalog/limit-warning.ts';
import type { Seconds } from '../core/clock.ts';
import { parsePolicy, type Policy } from '../policy/policy.ts';
import { standingOf } from './account.ts';
import { outcomeBody, sendCommand } from './command.ts';
import type { AdminContext, AdminRequest, Handlers } from './handler.ts';
import type { POLICY_ROUTES } from './policy.route.ts';
import { refuse, reply, type ReplyResult } from './reply.ts';

/** The author of a policy. Both policies bind; neither author can change the other's. */
type Slot = 'operator' | 'owner';
type GetRequest = AdminRequest<'account.policy.get'>;
type DeleteRequest = AdminRequest<'account.policy.delete'>;

const get =
  (slot: Slot) =>
  async (request: GetRequest): Promise<ReplyResult> => {
    const { account } = request.params;
    const found = await standingOf(request, account);
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
  { context, params, by, intent, expected, dryRun, now }: DeleteRequest,
  document: unknown,
  policy?: Policy,
): Promise<ReplyResult> => {
  const applied = await sendCommand(context, params.account, {
    ...{ kind: 'policy', slot, document, by, intent },
    ...(expected === undefined ? {} : { expected }),
    ...(dryRun ? { dryRun } : {}),
  });
  if (!applied.ok) return applied;
  const warnings = policy === undefined ? [] : await warningsOf(context, policy, now);
  const body = {
    ...outcomeBody(applied.value),
    ...(dryRun ? { dry_run: true as const } : {}),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return reply(body, applied.value.current);
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
  async (request: AdminRequest<'account.policy.put'>): Promise<ReplyResult> => {
    // The account parses the policy again, but reports only one fault; report all of them here.
    const parsed = parsePolicy(request.body);
    if (parsed.ok) return write(slot, { ...request, body: undefined }, request.body, parsed.value);
    const faults = parsed.error.map(({ field, reason }) => ({ field: `body.${field}`, reason }));
    return refuse({ reason: 'malformed_document', faults });
  };

const remove = (slot: Slot) => (request: DeleteRequest) => write(slot, request, null);

export const policyHandlers: Handlers<keyof typeof POLICY_ROUTES> = {
  'accounts.policy.get': get('operator'),
  'accounts.policy.put': put('operator'),
  'accounts.policy.delete': remove('operator'),
  'account.policy.get': get('owner'),
  'account.policy.put': put('owner'),
  'account.policy.delete': remove('owner'),
};
