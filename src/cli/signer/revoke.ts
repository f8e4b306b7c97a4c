import { type Command, REASON } from '../lib/command.ts';
import { cancelled, usageError } from '../lib/errors.ts';
import { changedText } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { agentsNamed, agentsOf, nameOf } from './agents.ts';
import { AT_SIGNER, openOwner, warnIfStopped } from './client.ts';

export const revoke: Command = {
  summary: 'revoke agents for ever; the signer refuses them from its answer on',
  arguments: [{ syntax: '[agents...]', summary: 'labels, addresses or key ids' }],
  options: [
    { flags: '--all', summary: 'revoke every agent of yours' },
    { flags: '--yes', summary: 'confirm --all' },
    REASON,
    ...AT_SIGNER,
  ],
  shared: ['signer'],
  examples: [
    "countersign signer revoke bot --reason 'laptop stolen'",
    'countersign signer revoke --all --yes --as treasury',
  ],
  run: async (session, input) => {
    const { out, prompts } = session;
    const isAll = input.flag('all');
    if (isAll === input.arguments.length > 0) {
      throw usageError(
        'The command needs either agents, or --all.',
        'Give e.g. `countersign signer revoke bot`; `countersign signer list` lists them.',
      );
    }
    const client = await openOwner(session, input);
    const named = isAll ? undefined : agentsNamed(await agentsOf(client), input.arguments);
    const agreed =
      !isAll ||
      input.flag('yes') ||
      (await prompts.confirm({
        message: `Revoke every agent of ${client.owner} for ever?`,
        instead: '--yes to confirm',
      }));
    if (!agreed) throw cancelled();
    const reason = input.text('reason');
    warnIfStopped(client);
    const answer = await client.call('agents.revoke', {
      body: {
        agents: named?.map(({ agent }) => agent) ?? 'all',
        ...(reason === undefined ? {} : { reason }),
      },
    });
    const what =
      named?.length === 1 && named[0] !== undefined
        ? nameOf(named[0])
        : counted(named?.length ?? answer.agents.length, 'agent');
    out.result(answer, () => changedText(out, answer.changed, `${what} revoked for ever`));
  },
};
