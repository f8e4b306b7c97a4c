import { type ArgumentSpec, defineCommand, type OptionSpec } from '../lib/command.ts';

const NAME: ArgumentSpec = { syntax: '<name>', summary: 'a name of your own' };
const SCOPE: readonly OptionSpec[] = [
  { flags: '--account <account>', summary: 'of it and all below it; of you where it is missing' },
  { flags: '--operator', summary: 'as operator: of the whole gateway where no account is named' },
];

export const command = defineCommand({
  name: 'webhooks',
  summary: 'where alerts go',
  commands: [
    {
      name: 'list',
      summary: 'the webhooks, and whether they are in use',
      options: SCOPE,
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { listWebhooks } = await import('../webhooks/webhooks.ts');
        await listWebhooks(session, input);
      },
    },
    {
      name: 'put',
      summary: 'sends alerts to an address, or changes which',
      arguments: [NAME, { syntax: '<url>', summary: 'https' }],
      options: [
        {
          flags: '--events <names>',
          summary:
            'with commas: soft_limit, breaker, debt, stuck, dead_letter, webhook_disabled, gas, reconciliation (all)',
        },
        { flags: '--description <text>', summary: 'for people' },
        ...SCOPE,
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { putWebhook } = await import('../webhooks/webhooks.ts');
        await putWebhook(session, input);
      },
    },
    {
      name: 'remove',
      summary: 'sends no more alerts there',
      arguments: [NAME],
      options: SCOPE,
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { removeWebhook } = await import('../webhooks/webhooks.ts');
        await removeWebhook(session, input);
      },
    },
    {
      name: 'test',
      summary: 'sends an alert that says nothing, to try it',
      arguments: [NAME],
      options: SCOPE,
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { testWebhook } = await import('../webhooks/webhooks.ts');
        await testWebhook(session, input);
      },
    },
    {
      name: 'log',
      summary: 'the last 100 attempts to deliver',
      arguments: [NAME],
      options: SCOPE,
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { showDeliveries } = await import('../webhooks/webhooks.ts');
        await showDeliveries(session, input);
      },
    },
  ],
  examples: ['countersign webhooks put pager https://ops.example/alerts --events soft_limit,debt'],
});
