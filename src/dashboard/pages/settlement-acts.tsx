import { useState } from 'preact/hooks';
import type { Management } from '../../client/management.ts';
import type { CallName } from '../data/call-story.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Field } from '../parts/field.tsx';

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

/** What an operator may do with a payment in this state. The wallet signs each act. */
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
  const acts = ACTS[state] ?? [];
  if (acts.length === 0) return null;
  return (
    <div class="acts">
      {acts.map((each) => (
        <button key={each.verb} type="button" onClick={() => setAct(each)}>
          {each.verb}
        </button>
      ))}
      {act === undefined ? null : (
        <ActDialog
          title={act.title}
          verb={act.verb}
          isReady={!act.hasReason || reason.trim() !== ''}
          change={(management) => act.change(management, { account, call }, reason.trim())}
          onDone={onDone}
          onClose={() => setAct(undefined)}
        >
          <p>{act.effect}</p>
          {act.hasReason ? (
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
          ) : null}
        </ActDialog>
      )}
    </div>
  );
};
