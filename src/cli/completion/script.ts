import { script } from '@bomb.sh/tab';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The library's script for a shell, changed so that it is safe, works without bash-completion, and completes `npx countersign` too. */
export const completionScript = (shell: Shell): string => {
  const lines: string[] = [];
  const { log } = console;
  // The library prints the script itself.
  console.log = (text: string) => {
    lines.push(text);
  };
  try {
    script(shell, 'countersign', 'countersign');
  } finally {
    console.log = log;
  }
  return CHANGES[shell].reduce(
    (text, [found, put]) => text.replace(found, () => put),
    lines.join('\n'),
  );
};

/** A project has the command in its `node_modules`, where only `npx` finds it. */
const RUN = `__countersign_run() {
    if command -v countersign >/dev/null 2>&1; then countersign "$@"; else npx --no-install countersign "$@"; fi
}
`;

/** Bash has this function only with the package bash-completion, which macOS lacks. */
const BASH = `${RUN}
if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=\${words[cword]}; prev=\${words[cword - 1]}
    }
fi

# npx countersign …: completes as if the line began with countersign.
__countersign_npx() {
    if [[ "\${COMP_WORDS[1]}" != countersign || $COMP_CWORD -lt 2 ]]; then return; fi
    local before="\${COMP_LINE%%countersign*}"
    COMP_WORDS=("\${COMP_WORDS[@]:1}"); COMP_CWORD=$((COMP_CWORD - 1))
    COMP_LINE="\${COMP_LINE#"$before"}"; COMP_POINT=$((COMP_POINT - \${#before}))
    __countersign_complete
}
complete -o default -F __countersign_npx npx
`;

const FISH = `function __countersign_run
    if command -q countersign
        countersign $argv
    else
        npx --no-install countersign $argv
    end
end

function __countersign_is_npx
    set -l args (commandline -opc)
    test (count $args) -ge 2; and test "$args[2]" = countersign
end
`;

const FISH_NPX = [
  '__countersign_clear_perform_completion_once_result',
  'not __countersign_requires_order_preservation && __countersign_prepare_completions',
]
  .map(
    (condition, at) =>
      `complete -c npx -n '__countersign_is_npx && ${condition}'${at === 0 ? '' : " -f -a '$__countersign_comp_results'"}`,
  )
  .join('\n');

const CHANGES: Readonly<Record<Shell, readonly (readonly [found: string, put: string])[]>> = {
  bash: [
    // The library lets bash evaluate the typed words on every press of Tab: `> file` would empty the file and `$(…)` would run (CWE-78).
    [
      'requestComp="countersign complete -- ${words[@]:1}"',
      'requestComp="__countersign_run complete -- $(printf \'%q \' "${words[@]:1}")"',
    ],
    ['# Register completion function', `${BASH}\n# Register completion function`],
  ],
  zsh: [
    [
      '#compdef countersign\ncompdef _countersign countersign',
      `#compdef countersign npx\ncompdef _countersign countersign npx\n\n${RUN}`,
    ],
    ['requestComp="countersign complete', 'requestComp="__countersign_run complete'],
    [
      '_countersign() {\n',
      `_countersign() {
    if [[ "\${words[1]}" == npx ]]; then
        if [[ "\${words[2]}" != countersign ]] || (( CURRENT < 3 )); then _default; return; fi
        shift words; (( CURRENT-- ))
    fi
`,
    ],
  ],
  fish: [
    ['function __countersign_debug', `${FISH}\nfunction __countersign_debug`],
    [
      'set -l args (commandline -opc)\n    # Extract',
      'set -l args (commandline -opc)\n    if test "$args[1]" = npx\n        set args $args[2..-1]\n    end\n    # Extract',
    ],
    ['(countersign complete -- $args', '(__countersign_run complete -- $args'],
    ['# Otherwise we use the -k flag', `${FISH_NPX}\n# Otherwise we use the -k flag`],
  ],
};
