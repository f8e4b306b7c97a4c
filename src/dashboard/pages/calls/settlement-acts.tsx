import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import type { CallName } from '../../data/calls/call-story.ts';
import { IncompleteForm } from '../../data/changes/act-problem.ts';
import { waitUntilListed } from '../../data/changes/wait-until-listed.ts';
import { worded } from '../../format/text.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { ReasonField } from './reason-field.tsx';

type Act = {
  readonly verb: string;
  readonly title: string;
  readonly effect: string;
  /** Whether the log needs a reason. */
  readonly hasReason: boolean;
  readonly change: (management: Management, name: CallName, reason: string) => Promise<unknown>;
};

const PRESENT: Act = {
  verb: 'Present again',
  title: 'Present this payment again?',
  effect:
    'The gateway sends the signed payment to a backend now, instead of at its next attempt. The payment can move money only once, so this is safe.',
  hasReason: false,
  change: (management, params) => management.call('settlements.redrive', { params }),
};

const WRITE_OFF: Act = {
  verb: 'Write off',
  title: 'Write this payment off?',
  effect:
    'The gateway gives up on the payment, and its payer owes nothing. The gateway refuses this while the payment can still move money.',
  hasReason: true,
  change: (management, params, reason) =>
    management.call('settlements.writeoff', { params, body: { reason } }),
};

const resolve = (charge: boolean): Act => ({
  verb: charge ? 'Charge' : 'Release',
  title: charge ? 'Charge the amount that is held?' : 'Release the amount that is held?',
  effect: charge
    ? 'The tool did its work: the payer pays the price, and the payment settles.'
    : 'The tool did not do its work: the call costs nothing, and the payer gets the amount back.',
  hasReason: true,
  change: (management, params, reason) =>
    management.call('settlements.resolve', { params, body: { charge, reason } }),
});

const ACTS: Readonly<Record<string, readonly Act[]>> = {
  open: [PRESENT, WRITE_OFF],
  kept: [resolve(true), resolve(false)],
};

/** Reports the state of a payment, once the lists show all decisions of the account. */
const readPayment = async (management: Management, name: CallName): Promise<string> => {
  await waitUntilListed(management, name.account);
  const { body } = await management.call('account.call', { params: name });
  return `The answer to this change was lost. The payment is ${worded(body.settlement?.state ?? 'gone')} now.`;
};

/** The acts of an operator on a payment in this state. The wallet signs each. */
export const SettlementActs = ({
  name,
  state,
  onDone,
}: {
  readonly name: CallName;
  readonly state: string;
  readonly onDone: () => void;
}) => {
  const [act, setAct] = useState<Act | undefined>(undefined);
  const [reason, setReason] = useState('');
  const { account, call } = name;
  const [isTried, setTried] = useState(false);
  const carryOut = async (management: Management): Promise<unknown> => {
    setTried(true);
    if (act === undefined || (act.hasReason && reason.trim() === '')) throw new IncompleteForm();
    return act.change(management, { account, call }, reason.trim());
  };
  const acts = ACTS[state] ?? [];
  // Keep a dialog that reports the outcome of a payment, although nothing is left to do.
  if (acts.length === 0 && act === undefined) return null;
  return (
    <div class="acts">
      {acts.map((each) => (
        <button
          key={each.verb}
          type="button"
          onClick={() => {
            setTried(false);
            setAct(each);
          }}
        >
          {each.verb}
        </button>
      ))}
      {act === undefined ? null : (
        <ActDialog
          title={act.title}
          account={account}
          verb={act.verb}
          subject={`${act.verb} ${account} ${call}`}
          change={carryOut}
          settle={async (management) => await readPayment(management, { account, call })}
          onSettled={onDone}
          onDone={onDone}
          onClose={() => setAct(undefined)}
        >
          <p>{act.effect}</p>
          {act.hasReason ? (
            <ReasonField label="Reason" reason={reason} isTried={isTried} onReason={setReason} />
          ) : null}
        </ActDialog>
      )}
    </div>
  );
};
