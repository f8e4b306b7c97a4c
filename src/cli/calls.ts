import { list } from './calls/list.ts';
import { refund } from './calls/refund.ts';
import { show } from './calls/show.ts';
import type { CommandGroup } from './lib/command.ts';

export const group: CommandGroup = {
  examples: [
    'countersign calls list --from today',
    'countersign calls list --account team/alice',
    "countersign calls refund team/alice 0x5b36c908…b956 --reason 'wrong answer'",
  ],
  commands: { list, show, refund },
};
