import { defineCommand } from '../lib/command.ts';
import { agentDocument, agentTable, asFleet } from '../lib/fleet-agents.ts';

export const command = defineCommand({
  summary: 'list fleets and the addresses of their agents; needs no password',
  arguments: [{ syntax: '[fleet]', summary: 'only this fleet' }],
  run: async ({ keystore, out }, input) => {
    const [name] = input.arguments;
    const fleets =
      name === undefined
        ? (await keystore.entries()).filter((entry) => entry.kind === 'fleet')
        : [asFleet(await keystore.entry(name))];
    const document = fleets.map((fleet) => ({
      name: fleet.name,
      organisation: fleet.organisation,
      agents: fleet.agents.map(agentDocument),
    }));
    out.result({ fleets: document }, () =>
      fleets.length === 0
        ? `No fleets yet. Create one with ${out.style.accent('countersign fleet new <name>')}.`
        : agentTable(
            out,
            fleets.flatMap((fleet) => fleet.agents.map((agent) => ({ fleet: fleet.name, agent }))),
          ),
    );
  },
});
