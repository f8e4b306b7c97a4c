import { defineCommand } from '../lib/command.ts';
import { CALL, commandSettlement, PAYER } from '../lib/settlements.ts';

export const command = defineCommand({
  summary: 'queue an open payment for settlement again, as operator',
  arguments: [PAYER, CALL],
  shared: ['gateway', 'signer'],
  run: async (session, input) =>
    await commandSettlement(session, input, 'queued for settlement again', async (admin, params) =>
      admin.call('settlements.redrive', { params }),
    ),
});
