import { useEffect, useState } from 'preact/hooks';
import { draftOf } from '../../data/changes/draft.ts';
import { keyName } from '../../data/gateway/local-stack.ts';
import type { PartProps } from './part-props.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { useCheckedForm } from '../../parts/checked-form.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Field } from '../../parts/field.tsx';
import { Section } from '../../parts/page.tsx';
import './budget-form.css';
import { shown } from '../../format/text.ts';

const MAX_LABEL = 64;
const SAME = 'This is the name that it has. Enter another one.';

const Name = ({ account, scope, standing, onDone }: PartProps) => {
  const { label, etags } = standing;
  const typed = draftOf<string>(`name of ${account}`);
  // Keep the draft until the page shows the new name, even after it was saved.
  useEffect(() => {
    if (typed.value?.trim() === (label ?? '')) typed.value = undefined;
  }, [label]);
  const [isOpen, setOpen] = useState(false);
  const name = typed.value ?? label ?? '';
  const isSame = name === (label ?? '');
  const { ref, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  return (
    <form
      ref={ref}
      onSubmit={(event) => {
        event.preventDefault();
        if (isSame) refuse();
        else setOpen(true);
      }}
    >
      <div class="budget-form">
        <Field
          label="Name"
          hint="Shown in lists. Only you, the operator and the agent can see it. Leave it empty to show the address."
          error={isTried && isSame ? SAME : undefined}
          control={(described) => (
            <input
              {...described}
              value={name}
              maxLength={MAX_LABEL}
              autocomplete="off"
              onInput={(event) => {
                typed.value = event.currentTarget.value;
              }}
            />
          )}
        />
      </div>
      <div class="acts">
        <button type="submit" class="primary">
          Save the name
        </button>
      </div>
      {isOpen ? (
        <ActDialog
          title="Save the name?"
          account={account}
          verb="Save"
          change={(management) =>
            management.call(scope.role === 'operator' ? 'accounts.put' : 'account.put', {
              params: { account },
              body: { label: name.trim() === '' ? null : name.trim() },
              ...(etags.label === undefined ? { ifNoneMatch: '*' } : { ifMatch: etags.label }),
            })
          }
          onDone={onDone}
          onClose={() => setOpen(false)}
        >
          <p>
            {label === undefined ? 'It has no name now.' : `Current name: ${shown(label)}.`}{' '}
            {name.trim() === '' ? 'Lists will show its address.' : `New name: ${shown(name)}.`}
          </p>
        </ActDialog>
      ) : null}
    </form>
  );
};

/**
 * The name of an agent, and how its key is replaced. Keys stay where agents run: the command line replaces them, and this page never sees
 * one.
 */
export const AgentKeys = (props: PartProps) => {
  const { standing } = props;
  const kind = standing.parent === undefined ? 'owner' : 'agent';
  return (
    <>
      <Section title="Name">
        <Name {...props} />
      </Section>
      <Section title="Replace its key">
        <div class="needs">
          <p>
            {kind === 'agent'
              ? 'The agent gets a new address with the rest of its grants. Both keys work for a day, and together never spend more than you signed. The command needs your key and the agent’s on one machine.'
              : 'Each agent moves to the new key with the rest of its grant.'}{' '}
            See first what would change:
          </p>
          <CommandLine
            text={
              kind === 'agent'
                ? `npx countersign keys rotate agent AGENT_KEY --as ${keyName('owner')} --gateway ${location.origin} --dry-run`
                : `npx countersign keys rotate owner --as ${keyName('owner')} --to NEW_KEY --gateway ${location.origin} --dry-run`
            }
          />
          <p class="muted">If the key has leaked, revoke it first and replace it afterwards.</p>
        </div>
      </Section>
      {kind === 'agent' ? (
        <Section title="If a signer holds its wallet">
          <div class="needs">
            <p>
              The wallet keeps its address, policy and grants. Only the key that the agent uses at
              the signer changes:
            </p>
            <CommandLine text="npx countersign signer rotate BOT --signer SIGNER" />
          </div>
        </Section>
      ) : null}
    </>
  );
};
