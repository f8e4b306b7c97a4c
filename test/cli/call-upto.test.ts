import { beforeEach, describe, expect, test } from 'vitest';
import { relayerVariables } from '../../dev/stack/gateway-variables.ts';
import { people } from '../../dev/stack/people.ts';
import { useWorld } from '../conformance/support/world.ts';
import { meteredTools } from '../support/metered-tools.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, useHome } from './support/home.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld({
  toolsFile: await meteredTools(),
  variables: relayerVariables(people.relayer),
});
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = await putStackFile(world(), home());
});

const call = async (...words: readonly string[]): Promise<Ran> =>
  await pipe(place, ['call', '/tools/metered', ...words]);

describe('a call of a metered tool', () => {
  test('asks for a verdict with --dry-run, and pays nothing', async () => {
    const document = documentIn(await call('--dry-run', '--json'));
    expect(document).toMatchObject({ dry_run: true, tool: 'metered', price: '20000' });
  });

  test('pays by upto and prints what it cost', async () => {
    const document = documentIn(await call('--json'));
    expect(document).toMatchObject({
      ...{ status: 200, paid: 'payment', version: 2, binding: 'intent' },
      receipt: { verified: true, claims: { tool: 'metered' } },
    });
  });

  test('shows both signatures with -v, field by field', async () => {
    const { code, stderr } = await call('-v');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('signs PermitWitnessTransferFrom');
    expect(stderr).toContain('signs Permit as');
    expect(stderr).toMatch(/permitted\.amount +20000/);
    expect(stderr).toMatch(/witness\.facilitator +0x[0-9a-f]{40}/);
    expect(stderr).not.toContain('[object Object]');
  });

  test('compares --max with the maximum', async () => {
    const { code, stderr } = await call('--max', '0.019');
    expect(code).not.toBe(0);
    expect(stderr).toContain('Raise --max');
  });
});
