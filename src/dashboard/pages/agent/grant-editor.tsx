import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { Hex } from '../../../core/hex.ts';
import { draftOf } from '../../data/changes/draft.ts';
import {
  assetOf,
  type GrantFaults,
  type GrantForm,
  type GrantField,
  newGrantForm,
  termsOf,
} from '../../data/grants/grant-form.ts';
import { type OwnGrant, parentOf } from '../../data/grants/grant-parent.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { useSellsForDollars } from '../../data/tools/use-public-tools.ts';
import { useCheckedForm } from '../../parts/checked-form.ts';
import { Field } from '../../parts/field.tsx';
import { AgentNeeds } from './agent-needs.tsx';
import { GrantFields } from './grant-fields.tsx';
import { GrantReview, type Issued } from './grant-review.tsx';

/** The faults of rows with a text: an empty row is marked only after the form was submitted. */
const ofTyped = (form: GrantForm, faults: GrantFaults): GrantFaults =>
  Object.fromEntries(Object.entries(faults).filter(([row]) => form[row as GrantField] !== ''));

/**
 * Signs a grant for an agent: an address that a person pastes, or that of an agent that exists. The page never makes or sees a key of an
 * agent: the agent makes it where it runs.
 *
 * @param agent the agent of the grant; undefined to ask
 * @param replaced the grant that it replaces
 */
export const GrantEditor = ({
  agent,
  replaced,
  start = newGrantForm(agent),
  held,
  self,
  onIssued,
  close,
}: {
  readonly agent?: string;
  readonly replaced?: Hex | undefined;
  readonly start?: GrantForm;
  /** The grants that the issuer itself holds, one of which is the parent. Undefined until they are read. */
  readonly held: readonly OwnGrant[] | undefined;
  /** The account that signs: drafts of two owners in one browser stay apart. */
  readonly self: string;
  readonly onIssued: () => void;
  /** A button that closes the editor; absent if it cannot be closed. */
  readonly close?: ComponentChildren;
}) => {
  const draft = draftOf<GrantForm>(`grant ${self} ${agent ?? 'new'} ${replaced ?? ''}`);
  const [isOpen, setOpen] = useState(false);
  const [issued, setIssued] = useState<Issued | undefined>(undefined);
  const form = draft.value ?? start;
  const terms = termsOf(form, gatewayNow());
  const parent = held === undefined ? undefined : parentOf(held, assetOf(form));
  const { ref, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  const faults = {
    ...(terms.ok ? {} : isTried ? terms.error : ofTyped(form, terms.error)),
    ...(parent?.ok === false ? { asset: parent.error } : {}),
  };
  const hasDollars = useSellsForDollars();
  const change = (row: GrantField, text: string): void => {
    draft.value = { ...form, [row]: text };
  };
  if (issued !== undefined) {
    return (
      <>
        <AgentNeeds {...issued} />
        {agent === undefined ? (
          <div class="acts">
            <p>
              <Link href={`/agents/${issued.account}`}>Open the page of the agent</Link> to name it,
              and to see its calls as they arrive.
            </p>
          </div>
        ) : null}
        {close === undefined ? null : <div class="acts">{close}</div>}
      </>
    );
  }
  return (
    <form
      ref={ref}
      onSubmit={(event) => {
        event.preventDefault();
        if (terms.ok && parent?.ok === true) setOpen(true);
        else refuse();
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
            error={faults.agent}
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
        <GrantFields
          form={form}
          faults={faults}
          sellsForDollars={hasDollars || parent?.ok === false}
          onChange={change}
        />
      </div>
      <div class="acts">
        <button type="submit" class="primary" disabled={parent === undefined}>
          Review the grant
        </button>
        {close}
      </div>
      {isOpen && terms.ok && parent?.ok === true ? (
        <GrantReview
          terms={terms.value}
          parent={parent.value}
          self={self}
          onIssued={setIssued}
          onDone={() => {
            draft.value = undefined;
            onIssued();
          }}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </form>
  );
};
