import { useState } from 'preact/hooks';
import type { AnswerOf, Management } from '../../../client/management.ts';
import { IncompleteForm } from '../../data/changes/act-problem.ts';
import { waitUntilListed } from '../../data/changes/wait-until-listed.ts';
import { decimalOf, symbolOf, atomicIn } from '../../format/amount.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Field } from '../../parts/field.tsx';
import { ReasonField } from './reason-field.tsx';

export type MadeCall = AnswerOf<'account.call'>['call'];

/** The amount of a call that an operator may still refund, in atomic units. */
export const refundable = ({ charged = '0', refunded = '0' }: MadeCall): bigint =>
  BigInt(charged) - BigInt(refunded);

/** Reports the refunds of a call since `call` was read, once the lists show all decisions of the account. */
const readRefund = async (management: Management, call: MadeCall): Promise<string> => {
  const params = { account: call.account, call: call.call };
  await waitUntilListed(management, call.account);
  const { body } = await management.call('account.call', { params });
  const now = BigInt(body.call.refunded ?? '0');
  const since = now - BigInt(call.refunded ?? '0');
  const unit = symbolOf(call.asset ?? '');
  return since === 0n
    ? `The refund did not happen: ${decimalOf(now)} ${unit} of the charge is refunded, as before.`
    : `The refund went through: ${decimalOf(since)} ${unit} was refunded since, and ${decimalOf(refundable(body.call))} ${unit} of the charge is left.`;
};

/** Refunds the cost of a call, or a part of it, as credit of its payer. For operators. */
export const Refund = ({
  call,
  onDone,
  onSettled,
  onClose,
}: {
  readonly call: MadeCall;
  /** Called after the gateway has made the refund: the lists show it some seconds later. */
  readonly onDone: () => void;
  /** Called once the lists show the outcome of a refund whose answer was lost. */
  readonly onSettled: () => void;
  readonly onClose: () => void;
}) => {
  const most = refundable(call);
  const unit = symbolOf(call.asset ?? '');
  const [text, setText] = useState(decimalOf(most).replaceAll(',', ''));
  const [reason, setReason] = useState('');
  const [isTried, setTried] = useState(false);
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
      account={call.account}
      verb="Refund"
      subject={`refund ${call.account} ${call.call}`}
      change={async (management) => {
        setTried(true);
        if (error !== undefined || reason.trim() === '') throw new IncompleteForm();
        await management.call('calls.refund', {
          params: { account: call.account, call: call.call },
          body: { amount: (amount ?? 0n).toString(), reason: reason.trim() },
        });
      }}
      settle={async (management) => await readRefund(management, call)}
      onSettled={onSettled}
      onDone={onDone}
      onClose={onClose}
    >
      <p>
        The amount becomes credit of this account at once, or of the account that lent it the money.
        Its next calls spend this credit before they pay. No money moves on the chain.
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
      <ReasonField
        label="Reason (required)"
        reason={reason}
        isTried={isTried}
        onReason={setReason}
      />
      <details>
        <summary>Send the money on the chain instead</summary>
        <p>This command sends the money from your wallet at PAY_TO, and removes the credit:</p>
        <CommandLine
          text={`npx countersign calls refund ${call.account} ${call.call} --transfer-from PAYEE_KEY --reason REASON --gateway ${location.origin}`}
        />
      </details>
    </ActDialog>
  );
};
