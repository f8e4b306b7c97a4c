import {
  JURISDICTIONS,
  type Jurisdiction,
  parseJurisdiction,
} from '../../protocol/jurisdiction.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

/** The jurisdiction of --jurisdiction, or the one that the user chooses. @throws CliError usage */
export const askJurisdiction = async (
  { prompts }: Pick<Session, 'prompts'>,
  input: Input,
): Promise<Jurisdiction | 'none'> => {
  const given = input.text('jurisdiction');
  if (given !== undefined) {
    const jurisdiction = parseJurisdiction(given === 'none' ? '' : given);
    if (jurisdiction !== undefined) return jurisdiction;
    throw usageError(
      'The value of --jurisdiction is unknown.',
      `Use one of ${JURISDICTIONS.join(', ')}, or none.`,
    );
  }
  if (!prompts.isInteractive) return 'none';
  return await prompts.choice<Jurisdiction | 'none'>({
    message: 'Where must Cloudflare keep the data? This cannot be changed later.',
    instead: '--jurisdiction <name>',
    options: [
      { value: 'none', label: 'anywhere', hint: 'near the first caller of each account' },
      { value: 'eu', label: 'European Union' },
      { value: 'us', label: 'United States' },
      { value: 'fedramp', label: 'data centers with FedRAMP' },
    ],
    initial: 'none',
  });
};
