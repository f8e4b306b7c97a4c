import { defineCommand } from '../lib/command.ts';
import { agentDocument, agentTable, asFleet, derived, newAgentsIn } from '../lib/fleet-agents.ts';

export const command = defineCommand({
  summary: 'add agents to a fleet, derived from its mnemonic',
  arguments: [{ syntax: '<fleet>', summary: 'name of the fleet' }],
  options: [
    { flags: '-n, --agents <number>', summary: 'number of new agents (default: 1)' },
    {
      flags: '--names <names>',
      summary: 'names of the agents, comma-separated (default: a1, a2, …)',
    },
  ],
  shared: ['password'],
  run: async ({ keystore, out, progress }, input) => {
    const fleet = asFleet(await keystore.entry(input.arguments[0] ?? ''));
    const wanted = newAgentsIn(input, fleet.agents);
    const mnemonic = new TextDecoder().decode(await keystore.secret(fleet));
    const agents = await progress.during('deriving', async () =>
      derived(mnemonic, fleet.organisation, wanted),
    );
    await keystore.updateFleet({ ...fleet, agents: [...fleet.agents, ...agents] });
    out.result({ name: fleet.name, agents: agents.map(agentDocument) }, () =>
      agentTable(
        out,
        agents.map((agent) => ({ fleet: fleet.name, agent })),
      ),
    );
  },
});
