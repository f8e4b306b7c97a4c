import type { Entry } from '../../protocol/entry.ts';
import { declarationOf } from '../../protocol/log/entry-types.ts';
import type { CommandEvidence } from '../evidence-schema.ts';

/**
 * Whether the intent of a command was sent to a route that writes this entry, for this account. The intent names method and path, so it
 * cannot prove an entry of another kind or account. Attack: an operator shows the owner's signature of one command under another one.
 */
export const isTargetOf = (entry: Entry, { order, role }: CommandEvidence): boolean => {
  const declared = declarationOf(entry.type);
  const routes = 'routes' in declared ? declared.routes : undefined;
  if (routes === 'signer') return true;
  // An owner writes the owner's policy of an account, and an operator writes the operator's.
  if (entry.type === 'account.policy' && entry.decision !== role) return false;
  // Generated clients send the colons of an account id as `%3A`.
  const [path = ''] = order.target.replaceAll(/%3a/gi, ':').split('?');
  const sent = path.replace(/(?<=^\/admin\/dead-letters\/)[A-Za-z0-9_-]+(?=\/redrive$)/, ':letter');
  return (routes?.[role] ?? []).some((route) => {
    const [method, place = ''] = route.split(' ');
    return method === order.method && filled(place, entry, role) === sent;
  });
};

/** The path of a route with the values of an entry. `:letter` stays: it matches every dead letter. */
const filled = (
  path: string,
  { account, call, outcome }: Entry,
  role: CommandEvidence['role'],
): string => {
  const named = outcome?.['name'];
  const name = typeof named === 'string' ? named : '';
  // The name of a webhook begins with its owner. Empty if the webhook belongs to another one.
  const owner = `${role === 'owner' ? account : '*'}/`;
  const values: Readonly<Record<string, string>> = {
    account,
    ...(call === undefined ? {} : { call }),
    name,
    hook: name.startsWith(owner) ? name.slice(owner.length) : '',
  };
  return path.replaceAll(/:([a-z]+)/g, (whole, member: string) => values[member] ?? whole);
};
