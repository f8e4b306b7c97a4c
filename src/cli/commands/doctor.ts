import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'doctor',
  summary:
    'looks at each part: configuration, clocks, chain, token, facilitator, gateway, queues, gas',
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { runDoctor } = await import('../doctor/run-doctor.ts');
    await runDoctor(session, input);
  },
  examples: ['countersign doctor', 'countersign doctor --gateway https://gateway.example --as ops'],
});
