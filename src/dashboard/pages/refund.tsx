import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../client/management.ts';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { atomicIn } from '../format/atomic.ts';
import { addressIn, shortened } from '../format/text.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Field } from '../parts/field.tsx';

type MadeCall = AnswerOf<'account.call'>['call'];

/** What an operator may still give back of a call, in atomic units. */
export const refundable = ({ charged = '0', refunded = '0' }: MadeCall): bigint =>
  BigInt(charged) - BigInt(refunded);

/** Gives back what a call cost, or a part of it, as credit of its payer. For operators. */
export const Refund = ({
  call,
  onDone,
  onClose,
}: {
  readonly call: MadeCall;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => {
  const most = refundable(call);
  const unit = symbolOf(call.asset ?? '');
  const [text, setText] = useState(decimalOf(most).replaceAll(',', ''));
  const [reason, setReason] = useState('');
  const amount = atomicIn(text);
  const error =
    amount === undefined || amount <= 0n
      ? `Enter an amount with a decimal point, like ${decimalOf(most)}.`
      : amount > most
        ? `Only ${decimalOf(most)} ${unit} of the charge can still be refunded.`
        : undefined;
  return (
    <ActDialog
      title="Refund this call?"
      verb="Refund"
      isReady={error === undefined && reason.trim() !== ''}
      change={(management) =>
        management.call('calls.refund', {
          params: { account: call.account, call: call.call },
          body: { amount: (amount ?? 0n).toString(), reason: reason.trim() },
        })
      }
      onDone={onDone}
      onClose={onClose}
    >
      <p>
        The amount becomes credit of {shortened(addressIn(call.account))} at once, or of the account
        that lent it the money. Its next calls spend this credit before they pay. No money moves on
        the chain.
      </p>
      <Field
        label={`Amount (${unit})`}
        hint={`Charged ${decimalOf(BigInt(call.charged ?? '0'))}, refunded before ${decimalOf(BigInt(call.refunded ?? '0'))}.`}
        error={error}
        control={(described) => (
          <input
            {...described}
            value={text}
            inputMode="decimal"
            autocomplete="off"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      />
      <Field
        label="Reason"
        hint="The log of the account keeps it, and its owner can read it."
        control={(described) => (
          <input
            {...described}
            value={reason}
            maxLength={200}
            autocomplete="off"
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      />
      <details>
        <summary>Send the money on the chain instead</summary>
        <p>This command sends the money from your wallet at PAY_TO, and removes the credit:</p>
        <CommandLine
          text={`npx countersign calls refund ${call.account} ${call.call} --transfer-from KEY --reason '…'`}
        />
      </details>
    </ActDialog>
  );
};
