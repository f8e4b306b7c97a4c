import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'completion',
  summary: 'prints a script that completes commands and options',
  arguments: [{ syntax: '<shell>', summary: 'of which shell', choices: ['bash', 'zsh', 'fish'] }],
  run: async (_session, input) => {
    const { printCompletion } = await import('../completion.ts');
    printCompletion(input.arguments[0] ?? '');
  },
  examples: [
    'source <(countersign completion bash)',
    'countersign completion zsh > ~/.zfunc/_countersign',
    'countersign completion fish > ~/.config/fish/completions/countersign.fish',
  ],
});
