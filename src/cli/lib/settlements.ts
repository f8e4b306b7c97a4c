import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { accountNamed } from './account-names.ts';
import { type AdminClient, openAdmin, warnIfStopped } from './admin-client.ts';
import type { ArgumentSpec } from './command.ts';
import { callIn, type Input } from './input.ts';
import { changedText } from './print.ts';
import type { Session } from './session.ts';

export const PAYER: ArgumentSpec = {
  syntax: '<account>',
  summary: 'payer: key name, label, address or CAIP-10 account id',
};
export const CALL: ArgumentSpec = { syntax: '<call>', summary: 'call id' };

type Send = (
  admin: AdminClient,
  params: { readonly account: AccountId; readonly call: Hex },
) => Promise<{ readonly body: { readonly changed: boolean } }>;

/** Sends a command about the payment that the two arguments name, and prints whether it changed something. */
export const commandSettlement = async (
  session: Session,
  input: Input,
  what: string,
  send: Send,
): Promise<void> => {
  const { out } = session;
  const call = callIn(input.arguments[1]);
  const admin = await openAdmin(session, 'operator');
  const account = await accountNamed(admin, input.arguments[0] ?? '');
  warnIfStopped(admin);
  const { body } = await send(admin, { account, call });
  out.result({ account, call, ...body }, () => changedText(out, body.changed, what));
};
