import { expect, it } from 'vitest';
import { configOf } from '../../../../src/cli/lib/config-files.ts';
import { CHECKSUMMED, complete } from '../../config/config-fixture.ts';

const toolsWith = (price: unknown): string =>
  JSON.stringify({
    tools: [
      {
        ...{ id: 't', method: 'POST', path: '/tools/t', description: 'T.', price },
        ...{ settlement: 'credit', upstream: '/t' },
      },
    ],
  });

/** On one network: a gateway on a test network and another one would be refused. */
const variables = {
  ...complete,
  PAY_TO: JSON.stringify({ 'eip155:84532': CHECKSUMMED }),
  RPC_URLS: JSON.stringify({ 'eip155:84532': ['https://rpc.example'] }),
};

const read = (price: unknown) =>
  configOf({
    ...{ toml: '', file: 'wrangler.toml', environment: undefined, table: {} },
    ...{ secrets: {}, secretsText: '' },
    variables: Object.fromEntries(
      Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
    tools: toolsWith(price),
  });

it('names the fault of a meter, which the gateway finds when it reads the catalogue', () => {
  expect(read({ max: '$0.05' })).toMatchObject({ faults: [], config: { tools: [{ id: 't' }] } });
  const meter = { usage: 'openai', rates: { input_tokens: 'cheap' }, missing: 'max' };
  expect(read({ max: '$0.05', meter })).toMatchObject({
    config: undefined,
    faults: [
      {
        name: 'tools.json',
        reason: expect.stringMatching(
          /^tools\[0\]\.price\.meter\.rates\.input_tokens must be dollars/,
        ),
      },
    ],
  });
});
