/**
 * What a shell reads once. Each script hands the words of the line to `runwire __complete`, whose answer is a line that says how to go on
 * (`files`, `goes-on`, both or none of them), then a line for each candidate: the word, a tab, what it is.
 */
export const SCRIPTS = {
  bash: `# runwire completion bash: in ~/.bashrc, source <(runwire completion bash)
_runwire() {
  # bash parts words at :, = and @, which here are parts of them: they are put together again.
  local rest=\${COMP_LINE:0:COMP_POINT} words=() last=-1 piece i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    piece=\${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && piece=\${rest#"\${rest%%[![:space:]]*}"}
    if ((i == 0)) || [[ $rest == [[:space:]]* ]]; then
      rest=\${rest#"\${rest%%[![:space:]]*}"}
      words[++last]=$piece
    else
      words[last]+=$piece
    fi
    rest=\${rest#"$piece"}
  done
  local current=\${words[last]} how='' word before='' breaks=\${COMP_WORDBREAKS//[!:=@]/}
  COMPREPLY=()
  # What stands before the last of these is there already.
  [[ -z $breaks ]] || before=\${current%"\${current##*[$breaks]}"}
  while IFS=$'\\t' read -r word _; do
    if [[ -z $how ]]; then how=" $word "; continue; fi
    word=\${word#"$before"}
    [[ $word == *[!A-Za-z0-9_.,:@%+=/-]* ]] && printf -v word %q "$word"
    COMPREPLY+=("$word")
  done < <("$1" __complete -- "\${words[@]:1}" 2>/dev/null)
  type compopt >/dev/null 2>&1 || return 0 # before bash 4
  [[ $how == *' goes-on '* ]] && compopt -o nospace
  [[ $how == *' files '* ]] && compopt -o default
  return 0
}
complete -F _runwire runwire
`,
  zsh: `#compdef runwire
# runwire completion zsh: in ~/.zshrc after compinit, source <(runwire completion zsh)
_runwire() {
  local -a lines found shown ending
  local how line
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  how=" \${lines[1]} "
  for line in "\${(@)lines[2,-1]}"; do
    found+=("\${line%%$'\\t'*}")
    shown+=("\${line%%$'\\t'*}  \${line#*$'\\t'}")
  done
  [[ $how == *' goes-on '* ]] && ending=(-S '')
  (( \${#found} )) && compadd "\${ending[@]}" -l -d shown -a found
  [[ $how == *' files '* ]] && _files
  return 0
}
compdef _runwire runwire
`,
  fish: `# runwire completion fish: in ~/.config/fish/config.fish, runwire completion fish | source
function __runwire_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l program $words[1]
  set -l lines ($program __complete -- $words[2..-1] 2>/dev/null)
  test (count $lines) -gt 1; and printf '%s\\n' $lines[2..-1]
  string match -q '*files*' -- $lines[1]; and __fish_complete_path (commandline -ct)
end
complete -c runwire -f -a '(__runwire_complete)'
`,
} as const;

export type Shell = keyof typeof SCRIPTS;
