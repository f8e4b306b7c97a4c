import { defineCommand, REASON } from '../lib/command.ts';
import { reasonIn } from '../lib/input.ts';
import { CALL, commandSettlement, PAYER } from '../lib/settlements.ts';

export const command = defineCommand({
  summary: 'write off an open payment that can no longer settle, as operator',
  arguments: [PAYER, CALL],
  options: [REASON],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const reason = reasonIn(input);
    await commandSettlement(
      session,
      input,
      'written off; the payer owes nothing',
      async (admin, params) => admin.call('settlements.writeoff', { params, body: { reason } }),
    );
  },
});
