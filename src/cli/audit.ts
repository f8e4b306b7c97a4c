import { exportLog } from './audit/export.ts';
import { prove } from './audit/prove.ts';
import { rebuild } from './audit/rebuild.ts';
import { verify } from './audit/verify.ts';
import { verifyProof } from './audit/verify-proof.ts';
import type { CommandGroup } from './lib/command.ts';

export const group: CommandGroup = {
  examples: [
    'countersign audit export --fleet -o audit',
    'countersign audit verify audit --log-key log-keys',
  ],
  commands: { export: exportLog, verify, prove, 'verify-proof': verifyProof, rebuild },
};
