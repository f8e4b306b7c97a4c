import type { Management } from '../../../client/management.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { worded } from '../../format/text.ts';
import type { CommandSubject } from './command-words.ts';

/** Says what the gateway stores now of the call that a command is about; undefined if the command is about no call. @throws CountersignError */
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
