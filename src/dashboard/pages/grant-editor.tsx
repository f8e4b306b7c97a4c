import { useState } from 'preact/hooks';
import type { Hex } from '../../core/hex.ts';
import { draftOf } from '../data/draft.ts';
import {
  type GrantForm as Form,
  type GrantRow,
  type GrantTerms,
  newGrantForm,
  termsOf,
} from '../data/grant-form.ts';
import { delegationOf, issueGrant } from '../data/grants.ts';
import { sessionWallet } from '../data/gateway.ts';
import { gatewayNow } from '../data/reader.ts';
import { grantLines } from '../data/grant-lines.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Id } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Field } from '../parts/field.tsx';
import { AgentNeeds } from './agent-needs.tsx';
import { GrantForm } from './grant-form.tsx';

type Issued = { readonly grant: Hex; readonly terms: GrantTerms };

const Terms = ({ terms }: { readonly terms: GrantTerms }) => (
  <Facts
    facts={grantLines(terms).map(([name, value]) => [
      name,
      value === terms.delegate ? <Id text={value} label="the address" /> : value,
    ])}
  />
);

/**
 * Signs a grant for an agent: an address that a person pastes, or that of an agent that exists. The page never makes or sees a key of an
 * agent: the agent makes it where it runs.
 *
 * @param agent the agent that it is for; undefined to ask
 */
export const GrantEditor = ({
  agent,
  start = newGrantForm(agent),
  parent,
  self,
  onIssued,
}: {
  readonly agent?: string;
  readonly start?: Form;
  /** The grant that the issuer itself holds, of which this is a part. */
  readonly parent: Hex | undefined;
  /** Who signs: drafts of two owners in one browser stay apart. */
  readonly self: string;
  readonly onIssued: () => void;
}) => {
  const draft = draftOf<Form>(`grant ${self} ${agent ?? 'new'}`);
  const [isOpen, setOpen] = useState(false);
  const [issued, setIssued] = useState<Issued | undefined>(undefined);
  const form = draft.value ?? start;
  const terms = termsOf(form, gatewayNow());
  const faults = terms.ok || draft.value === undefined ? {} : terms.error;
  const change = (row: GrantRow, text: string): void => {
    draft.value = { ...form, [row]: text };
  };
  if (issued !== undefined) return <AgentNeeds {...issued} />;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setOpen(true);
      }}
    >
      <div class="budget-form">
        {agent === undefined ? (
          <Field
            label="Address of the agent"
            hint={
              <>
                The agent creates its own key where it runs; this page never sees the key. In a
                shell, <code>npx countersign keys new alice</code> prints the address.
              </>
            }
            error={form.agent === '' ? undefined : faults.agent}
            control={(described) => (
              <input
                {...described}
                value={form.agent}
                placeholder="0x…"
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => change('agent', event.currentTarget.value)}
              />
            )}
          />
        ) : null}
        <GrantForm form={form} faults={faults} onChange={change} />
      </div>
      <div class="acts">
        <button type="submit" class="primary" disabled={!terms.ok}>
          Review the grant
        </button>
      </div>
      {isOpen && terms.ok ? (
        <ActDialog
          title="Grant this budget?"
          verb="Sign"
          change={async () => {
            const wallet = sessionWallet.value;
            if (wallet === undefined) throw new Error('You are signed out. Sign in again.');
            const grant = await issueGrant(wallet, delegationOf(wallet, terms.value, parent));
            setIssued({ grant, terms: terms.value });
          }}
          onDone={() => {
            draft.value = undefined;
            onIssued();
          }}
          onClose={() => setOpen(false)}
        >
          <Terms terms={terms.value} />
          <p class="muted">
            The grant takes effect with the first call that names it. You can revoke it at any time,
            and limit the agent further under Budget.
          </p>
        </ActDialog>
      ) : null}
    </form>
  );
};
