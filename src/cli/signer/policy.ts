import type * as z from 'zod/mini';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { SIGNER_ANSWERS } from '../../protocol/signer/management.ts';
import type { Command } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { changedText } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { agentsNamed, agentsOf, exposureText, nameOf } from './agents.ts';
import { AT_SIGNER, openOwner, warnIfStopped } from './client.ts';
import { hasPolicy, POLICY, type PolicyDocument, policyIn } from './policy-options.ts';

type Changed = z.output<(typeof SIGNER_ANSWERS)['agents.policy']> & {
  readonly agents: readonly string[];
  readonly policy: PolicyDocument;
};

export const policy: Command = {
  summary: 'show the policies of agents, or change the fields that options name',
  arguments: [{ syntax: '<agents...>', summary: 'labels, addresses or key ids' }],
  options: [
    ...POLICY,
    { flags: '--pause', summary: 'refuse every signature until --resume' },
    { flags: '--resume', summary: 'sign again' },
    ...AT_SIGNER,
  ],
  shared: ['signer'],
  examples: [
    'countersign signer policy bot',
    "countersign signer policy bot --per-day 2 --tools 'lookup,search.*'",
    'countersign signer policy bot worker-7 --pause --as treasury',
  ],
  run: async (session, input) => {
    const { out } = session;
    const [pause, resume] = [input.flag('pause'), input.flag('resume')];
    if (pause && resume)
      throw usageError(
        '--pause and --resume exclude each other.',
        'Give --pause to refuse every signature, or --resume to sign again.',
      );
    const client = await openOwner(session, input);
    const named = agentsNamed(await agentsOf(client), input.arguments);
    if (!hasPolicy(input) && !pause && !resume) {
      const agents = named.map(({ agent, label, policy: document, exposure }) => ({
        ...{ agent, policy: document, exposure },
        ...(label === undefined ? {} : { label }),
      }));
      out.result({ agents }, () =>
        named
          .map((each) =>
            [
              out.style.bold(nameOf(each)),
              JSON.stringify(each.policy, undefined, 2),
              exposureText(out, each.exposure),
            ].join('\n'),
          )
          .join('\n\n'),
      );
      return;
    }
    const status = pause
      ? ({ status: 'paused' } as const)
      : resume
        ? ({ status: 'active' } as const)
        : {};
    // Agents whose policies become the same share one command, and one signature.
    const groups = new Map<string, { document: PolicyDocument; agents: string[] }>();
    for (const { agent, policy: before } of named) {
      const document = await policyIn(session, input, { ...before, ...status });
      const key = canonicalJson(document);
      const group = groups.get(key) ?? { document, agents: [] };
      group.agents.push(agent);
      groups.set(key, group);
    }
    warnIfStopped(client);
    const answers: Changed[] = [];
    for (const { document, agents } of groups.values()) {
      const answer = await client.call('agents.policy', { body: { agents, policy: document } });
      answers.push({ ...answer, agents, policy: document });
    }
    const changed = answers.some((answer) => answer.changed);
    const [first] = named;
    const what =
      named.length === 1 && first !== undefined ? nameOf(first) : counted(named.length, 'agent');
    out.result({ changed, policies: answers }, () =>
      [
        changedText(out, changed, `policy of ${what}`),
        ...answers.map(({ exposure }) => exposureText(out, exposure.each)),
      ].join('\n'),
    );
  },
};
