import type { Entry, EntryType, Json } from '../../protocol/entry.ts';
import type { CommandEvidence } from '../evidence-schema.ts';

/* Where a signed command was sent (docs/management.md): its intent names method and path, so it proves no entry of another kind or account. */

type Target = readonly [method: string, path: string];

type Role = CommandEvidence['role'];

/**
 * Whether the intent of a command was sent to the route that writes this entry, for this account. Attack: an operator shows the owner's
 * signature of one command under another one.
 */
export const isTargetOf = (entry: Entry, { order, role }: CommandEvidence): boolean => {
  const targets = targetsOf(entry, role);
  // Generated clients send the colons of an account id as `%3A`.
  const [path = ''] = order.target
    .replaceAll(/%3a/gi, ':')
    .replace(/(?<=^\/admin\/dead-letters\/)[A-Za-z0-9_-]+(?=\/redrive$)/, ':letter')
    .split('?');
  return (
    targets === undefined ||
    targets.some(([method, place]) => method === order.method && place === path)
  );
};

/** The routes that write an entry; undefined if the entry is of a signer, which has routes of its own (docs/signer.md). */
const targetsOf = (entry: Entry, role: Role): readonly Target[] | undefined => {
  if (entry.type.startsWith('signer.')) return undefined;
  const { account } = entry;
  return role === 'owner'
    ? ownerTargets(entry, `/accounts/${account}`)
    : operatorTargets(entry, `/admin/accounts/${account}`);
};

const ownerTargets = (
  { type, account, call, decision, outcome }: Entry,
  base: string,
): readonly Target[] => {
  const targets: Readonly<Partial<Record<EntryType, readonly Target[]>>> = {
    'account.label': [['PUT', base]],
    'account.status': [['PUT', `${base}/status`]],
    'account.policy': decision === 'owner' ? policyTargets(base) : [],
    'grant.default': [['PUT', `${base}/default-grant`]],
    'webhook.put': [['PUT', `${base}/webhooks/${hookIn(outcome, account)}`]],
    'webhook.removed': [['DELETE', `${base}/webhooks/${hookIn(outcome, account)}`]],
    'call.approved': [['POST', `${base}/approvals/${call}/approve`]],
    'call.refused': [['POST', `${base}/approvals/${call}/refuse`]],
  };
  return targets[type] ?? [];
};

const operatorTargets = (
  { type, account, call, decision, outcome }: Entry,
  base: string,
): readonly Target[] => {
  const name = nameIn(outcome);
  const hook = hookIn(outcome, '*');
  const payment = `/admin/settlements/${account}/${call}`;
  const targets: Readonly<Partial<Record<EntryType, readonly Target[]>>> = {
    'account.label': [['PUT', base]],
    'account.status': [['PUT', `${base}/status`]],
    'account.policy': decision === 'operator' ? policyTargets(base) : [],
    'credit.adjusted': [['POST', `${base}/credit`]],
    'credit.refunded': [['POST', '/admin/credits/refunds']],
    'tool.put': [['PUT', `/admin/tools/${name}`]],
    'tool.removed': [['DELETE', `/admin/tools/${name}`]],
    'webhook.put': [['PUT', `/admin/webhooks/${hook}`]],
    'webhook.removed': [['DELETE', `/admin/webhooks/${hook}`]],
    'secret.put': [
      ['PUT', `/admin/secrets/${name}`],
      ['POST', '/admin/secrets/rewrap'],
    ],
    'secret.removed': [['DELETE', `/admin/secrets/${name}`]],
    'settlement.redriven': [['POST', `${payment}/redrive`], LETTER],
    'payment.failed': [['POST', `${payment}/write-off`]],
    'call.resolved': [['POST', `${payment}/resolve`]],
    'call.refunded': [['POST', `/admin/calls/${account}/${call}/refund`]],
    'call.approved': [['POST', `/admin/approvals/${account}/${call}/approve`]],
    'call.refused': [['POST', `/admin/approvals/${account}/${call}/refuse`]],
    'letter.redriven': [LETTER],
  };
  return targets[type] ?? [];
};

const policyTargets = (base: string): readonly Target[] => [
  ['PUT', `${base}/policy`],
  ['DELETE', `${base}/policy`],
];

const textIn = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const nameIn = (outcome: Entry['outcome']): string => textIn(outcome?.['name']);

/** The id in the name of a webhook, which begins with its owner. Empty if the webhook belongs to another owner. */
const hookIn = (outcome: Entry['outcome'], of: string): string => {
  const name = nameIn(outcome);
  return name.startsWith(`${of}/`) ? name.slice(of.length + 1) : '';
};

/** Any dead letter: the entry about a payment does not name it. */
const LETTER: Target = ['POST', '/admin/dead-letters/:letter/redrive'];
