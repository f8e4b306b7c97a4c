import { useState } from 'preact/hooks';
import type { PartProps } from '../data/standing.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Field } from '../parts/field.tsx';
import { Section } from '../parts/page.tsx';
import './budget-form.css';
import { addressIn, shown } from '../format/text.ts';

const MAX_LABEL = 64;

const Name = ({ account, scope, standing, onDone }: PartProps) => {
  const { label, etags } = standing;
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [isOpen, setOpen] = useState(false);
  const name = typed ?? label ?? '';
  const isSame = name === (label ?? '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setOpen(true);
      }}
    >
      <div class="budget-form">
        <Field
          label="Name"
          hint="Shown in lists. Only you, the operator and the agent can see it. Leave it empty to show the address."
          control={(described) => (
            <input
              {...described}
              value={name}
              maxLength={MAX_LABEL}
              autocomplete="off"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        />
      </div>
      <div class="acts">
        <button type="submit" class="primary" disabled={isSame}>
          Save the name
        </button>
      </div>
      {isOpen ? (
        <ActDialog
          title="Save the name?"
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

/** The name of an agent, and how its key is replaced. Keys live where agents run: the command line replaces them, this page never sees one. */
export const AgentKeys = (props: PartProps) => {
  const { account, standing } = props;
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
              ? 'The agent gets a new address with the rest of its grants. Both keys work for a day, and together never spend more than you signed.'
              : 'Each agent moves to the new key with the rest of its grant.'}{' '}
            See first what would change:
          </p>
          <CommandLine
            text={
              kind === 'agent'
                ? `npx countersign keys rotate agent ${addressIn(account)} --as <your key> --dry-run`
                : 'npx countersign keys rotate owner <old key> --to <new key> --dry-run'
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
            <CommandLine text="npx countersign signer rotate <agent>" />
          </div>
        </Section>
      ) : null}
    </>
  );
};
