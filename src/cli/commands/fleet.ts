import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'fleet',
  summary: 'agents with a key each, all of them from one list of words',
  commands: [
    {
      name: 'new',
      summary: 'makes the words, and the first agents of them',
      arguments: [{ syntax: '<fleet>', summary: 'its name' }],
      options: [
        { flags: '-n, --agents <number>', summary: 'how many agents (1)' },
        { flags: '--names <names>', summary: 'their names, with commas; else a1, a2, …' },
        { flags: '--organisation <number>', summary: 'which branch of the words (0)' },
        { flags: '--from-words', summary: 'take words that there are: asked for, or from a pipe' },
      ],
      shared: ['password'],
      run: async (session, input) => {
        const { newFleet } = await import('../fleet/new-fleet.ts');
        await newFleet(session, input);
      },
    },
    {
      name: 'derive',
      summary: 'adds agents to a fleet',
      arguments: [{ syntax: '<fleet>', summary: 'its name' }],
      options: [
        { flags: '-n, --agents <number>', summary: 'how many more (1)' },
        { flags: '--names <names>', summary: 'their names, with commas; else a1, a2, …' },
      ],
      shared: ['password'],
      run: async (session, input) => {
        const { deriveAgents } = await import('../fleet/derive-agents.ts');
        await deriveAgents(session, input);
      },
    },
    {
      name: 'list',
      summary: 'names and addresses of agents; needs no password',
      arguments: [{ syntax: '[fleet]', summary: 'only of this one' }],
      run: async (session, input) => {
        const { listFleets } = await import('../fleet/list-fleets.ts');
        await listFleets(session, input);
      },
    },
  ],
  examples: [
    'countersign fleet new team --names alice,bob,carol',
    'countersign fleet derive team -n 2',
    'countersign call /tools/lookup?word=river --as team/alice',
  ],
});
