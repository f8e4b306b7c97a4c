import { endpointOf } from '../../../management/endpoint.ts';
import { PATHS } from '../../../management/paths.ts';
import type { RouteId } from '../../../management/routes.ts';
import { utf8 } from '../../../crypto/bytes.ts';
import { accountId, network } from '../../../protocol/account-id.ts';
import { readDelegation } from '../../../protocol/intent/signed-document.ts';
import type { Management } from '../../../client/management.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { worded } from '../../format/text.ts';
import type { SignedCommand } from './signed-command.ts';

/** The purpose of an open command, for people. */
export type CommandSubject = {
  readonly route: RouteId | undefined;
  readonly name: string;
  /** The page below `/dashboard` that shows the stored state. */
  readonly page: string | undefined;
  readonly account: string | undefined;
  readonly call: string | undefined;
  /** Atomic units. */
  readonly amount: bigint | undefined;
};

const NAMES: readonly (readonly [route: RegExp, name: string])[] = [
  [/^calls\.refund$/, 'A refund'],
  [/^settlements\.writeoff$/, 'A write-off of a payment'],
  [/^settlements\.redrive$/, 'Presenting a payment again'],
  [/\.(?:approve|refuse)$/, 'A decision about a call that waits for approval'],
  [/^deadletters/, 'Sending a message again'],
  [/webhooks\.test$/, 'A test of a webhook'],
];

const PREFIX = 'countersign.admin.';

const routeOf = (tool: string): RouteId | undefined => {
  const id = tool.startsWith(PREFIX) ? tool.slice(PREFIX.length) : '';
  return Object.hasOwn(PATHS, id) ? (id as RouteId) : undefined;
};

const paramsOf = (route: RouteId, target: string): Readonly<Record<string, string>> => {
  const given = (target.split('?')[0] ?? '').split('/');
  const named = endpointOf(route).path.split('/');
  return Object.fromEntries(
    named.flatMap((part, at) => (part.startsWith(':') ? [[part.slice(1), given[at] ?? '']] : [])),
  );
};

const membersOf = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

const pageOf = ({ account, call }: Readonly<Record<string, string>>): string | undefined => {
  if (account !== undefined && call !== undefined) return `/calls/${account}/${call}`;
  return account === undefined ? undefined : `/agents/${account}`;
};

const GRANT = { route: undefined, call: undefined, amount: undefined } as const;

const grantSubject = ({ body, target }: SignedCommand): CommandSubject => {
  const read = target === '/delegations' ? readDelegation(utf8(body)) : undefined;
  if (read?.ok !== true) {
    return { ...GRANT, name: 'The revocation of a grant', page: '/agents', account: undefined };
  }
  const { chainId, delegation } = read.value;
  const account = accountId(network(chainId), delegation.delegate);
  return { ...GRANT, name: 'A grant', page: `/agents/${account}`, account };
};

/** Reads the purpose of a command from its proof and its body. */
export const subjectOf = (command: SignedCommand): CommandSubject => {
  if (command.tool === undefined) return grantSubject(command);
  const route = routeOf(command.tool);
  const params = route === undefined ? {} : paramsOf(route, command.target);
  const { amount, charge } = membersOf(command.body);
  const decided = charge === true ? 'A charge of a held amount' : 'A release of a held amount';
  const name =
    route === 'settlements.resolve'
      ? decided
      : NAMES.find(([pattern]) => pattern.test(route ?? ''))?.[1];
  return {
    route,
    name: name ?? `${command.method} ${command.target}`,
    page: pageOf(params),
    account: params['account'],
    call: params['call'],
    amount: typeof amount === 'string' && /^[0-9]{1,78}$/.test(amount) ? BigInt(amount) : undefined,
  };
};

/** Describes the stored state of the call that a command concerns; undefined if it concerns no call. @throws CountersignError */
export const storedState = async (
  management: Management,
  { account, call, amount, route }: CommandSubject,
): Promise<string | undefined> => {
  if (account === undefined || call === undefined) return undefined;
  const { body } = await management.call('account.call', { params: { account, call } });
  const { charged = '0', refunded = '0', asset = '' } = body.call;
  const unit = symbolOf(asset);
  if (route !== 'calls.refund') {
    return `The payment is ${worded(body.settlement?.state ?? 'gone')} now.`;
  }
  const signed = amount === undefined ? '' : `You signed ${decimalOf(amount)} ${unit}. `;
  return `${signed}Of ${decimalOf(BigInt(charged))} ${unit} charged, ${decimalOf(BigInt(refunded))} ${unit} is refunded now.`;
};
