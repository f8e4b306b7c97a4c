import { useState } from 'preact/hooks';
import type { PageProps } from '../../data/session/scope.ts';
import { addressIn } from '../../format/text.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Field } from '../../parts/field.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { ChargingTools } from './charging-tools.tsx';
import './signer.css';

const EXAMPLE = 'https://signer.example';

/** The tasks of an owner at a signer, and the command for each. */
const TASKS = (signer: string): readonly (readonly [task: string, command: string])[] => [
  [
    'Give an agent a wallet and limits',
    `npx countersign signer enrol bot --gateway ${location.origin} --per-call 0.05 --per-day 1 --signer ${signer}`,
  ],
  [
    'See each agent, what it has signed for, and what a stolen key could spend',
    `npx countersign signer list --signer ${signer}`,
  ],
  [
    'See or change what an agent may sign',
    `npx countersign signer policy bot --per-day 2 --signer ${signer}`,
  ],
  ['Stop an agent for now', `npx countersign signer policy bot --pause --signer ${signer}`],
  ['Cut off a leaked key for good', `npx countersign signer revoke bot --signer ${signer}`],
  [
    'Replace the key of an agent; its wallet stays',
    `npx countersign signer rotate bot --signer ${signer}`,
  ],
  [
    'Save the log of all signatures',
    `npx countersign signer export -o agents.ndjson --signer ${signer}`,
  ],
];

const originOf = (typed: string): string => {
  const url = URL.parse(typed);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.origin : EXAMPLE;
};

/** Explains signers, and has the commands for one: a signer is another server, which this page never calls. */
export const Signer = ({ scope: { role, account } }: PageProps) => {
  const [typed, setTyped] = useState('');
  return (
    <Page title="Signer">
      <Section title="What a signer does">
        <p>
          A signer holds the wallet keys of agents and signs their payments within limits that you
          set, so no agent has a key that controls money. A signer is a separate server. This
          gateway is not a signer and holds no keys of agents. This page contacts no other server:
          use the commands below to see and change what your signer holds. Your own wallet signs
          them.
        </p>
      </Section>
      <Section title="At your signer">
        <Field
          label="Address of your signer"
          hint="Fills in the commands. It stays on this page. In the commands, bot stands for the name of your agent."
          control={(described) => (
            <input
              {...described}
              type="url"
              value={typed}
              placeholder={EXAMPLE}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        />
        <dl class="tasks">
          {TASKS(originOf(typed)).map(([task, command]) => (
            <div key={task}>
              <dt>{task}</dt>
              <dd>
                <CommandLine text={command} />
              </dd>
            </div>
          ))}
        </dl>
      </Section>
      <Section title="Run a signer">
        <p>Prepare a signer in a directory of its own, then deploy it:</p>
        <dl class="tasks">
          <div>
            <dt>Prepare, with you as its owner</dt>
            <dd>
              <CommandLine
                text={`npx countersign signer init --owner ${addressIn(account)} --origin ${originOf(typed)}`}
              />
            </dd>
          </div>
          <div>
            <dt>Deploy</dt>
            <dd>
              <CommandLine text="npx countersign deploy --signer" />
            </dd>
          </div>
        </dl>
      </Section>
      {role === 'operator' ? (
        <Section title="Cards">
          <ChargingTools />
        </Section>
      ) : null}
    </Page>
  );
};
