import type { Address, Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { accountNamed } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { callNamed } from '../lib/call-id.ts';
import type { ArgumentSpec, OptionSpec } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { receiptNamed } from '../lib/receipt.ts';
import type { Session } from '../lib/session.ts';

/**
 * Returns the command that shows a call to the key that signed it. The key is named, because `calls show` signs as the owner of a local
 * stack otherwise, who may not see the account.
 */
export const showCommand = async (
  { profile }: Session,
  input: Input,
  payer: Address,
  origin: string,
): Promise<(call: Hex) => string> => {
  const name = input.text('as') ?? (await profile.holder(payer))?.name;
  const isDefault =
    input.text('gateway') === undefined && origin === (await profile.gatewayIfAny());
  const signs = name === undefined ? '' : ` --as ${name}`;
  const where = isDefault ? '' : ` --gateway ${origin}`;
  return (call) => `countersign calls show ${payer} ${call}${signs}${where}`;
};

/** A call by its payer and id, or by its receipt. */
export const WHICH: readonly ArgumentSpec[] = [
  { syntax: '[account]', summary: 'payer: key name, label, address or account id' },
  { syntax: '[call]', summary: 'call id, whole or as a table shortens it' },
];

export const RECEIPT: OptionSpec = {
  flags: '--receipt <receipt>',
  summary: 'names payer and call instead: the text of Agent-Receipt; - for stdin',
};

/** @throws CliError */
export const whichCall = async (
  admin: AdminClient,
  input: Input,
): Promise<{ readonly account: AccountId; readonly call: Hex }> => {
  const [named, id] = input.arguments;
  const receipt = input.text('receipt');
  if ((receipt === undefined) === (named === undefined || id === undefined)) {
    throw usageError(
      'The command needs a payer and a call, or a receipt.',
      'Give e.g. team/alice 0x5b36c908…b956, or --receipt - and the Agent-Receipt on stdin. `countersign calls list` lists calls.',
    );
  }
  if (receipt === undefined) {
    const account = await accountNamed(admin, named ?? '');
    return { account, call: await callNamed(admin, account, id) };
  }
  const { agent, call } = await receiptNamed(admin, receipt);
  return { account: agent, call };
};
