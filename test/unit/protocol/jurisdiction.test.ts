import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { JURISDICTIONS, objectOf } from '../../../src/protocol/jurisdiction.ts';

/** A namespace whose objects differ by jurisdiction, as those of the platform do. */
const namespaceIn = (jurisdiction: string): { readonly getByName: (name: string) => string } => ({
  getByName: (name) => `${jurisdiction}/${name}`,
  ...(jurisdiction === '' ? { jurisdiction: namespaceIn } : {}),
});

describe('the look-up of an object', () => {
  test('finds one object of a name in each jurisdiction', () => {
    const find = (JURISDICTION?: string) => objectOf({ JURISDICTION }, namespaceIn(''), 'payer');
    expect([undefined, '', ' '].map(find)).toEqual(['/payer', '/payer', '/payer']);
    expect(JURISDICTIONS.map(find)).toEqual(['eu/payer', 'us/payer', 'fedramp/payer']);
    expect(find(' eu ')).toBe('eu/payer');
  });

  test.each(['EU', 'eu,us', 'asia'])('throws for the unknown jurisdiction %s', (JURISDICTION) => {
    expect(() => objectOf({ JURISDICTION }, namespaceIn(''), 'payer')).toThrow(
      'unknown JURISDICTION',
    );
  });

  test('asks the platform for the jurisdiction, which the local runtime lacks', () => {
    // If this fails, workerd has learned jurisdictions: test both objects of one name here, and allow them in the local stack.
    expect(() => objectOf({ JURISDICTION: 'eu' }, env.AGENT_ACCOUNT, 'payer')).toThrow(
      'Jurisdiction restrictions are not implemented in workerd',
    );
  });
});
