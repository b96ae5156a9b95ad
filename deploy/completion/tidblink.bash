# bash completion of tidblink(1)                                             -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0
#
# @TABLE@ is replaced at the build by what `tidblink --completion` prints, the option tables of the
# program itself; app/completion.h has the format. Names of clusters come from the configuration file.

_tidblink_table='@TABLE@'

# Sets kind and choices of the word $2 of the command $1; false: there is none.
_tidblink_find() {
    local command name
    while IFS=$'\t' read -r command name kind choices; do
        [[ $name == "$2" && ($command == "$1" || $command == -) ]] && return 0
    done <<<"$_tidblink_table"
    return 1
}

# Prints the commands; or the options of the command $1.
_tidblink_names() {
    local command name rest
    while IFS=$'\t' read -r command name rest; do
        if [[ ! ${1-} && $name == - ]]; then
            echo "$command"
        elif [[ ${1-} && $name != - && ($command == "$1" || $command == -) ]]; then
            echo "$name"
        fi
    done <<<"$_tidblink_table"
}

# Prints the clusters of the configuration file, which the words so far may name.
_tidblink_clusters() {
    local i file=${TIDBLINK_CONFIG:-/etc/tidblink/tidblink.conf}
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --config ]] || continue
        file=${COMP_WORDS[i + 1]}
        [[ $file == = ]] && file=${COMP_WORDS[i + 2]}
    done
    file=${file/#\~\//$HOME/}
    [[ -f $file && -r $file ]] &&
        sed -n 's/^[[:blank:]]*\[[[:blank:]]*cluster[[:blank:]]\{1,\}\([^]]*[^][:blank:]]\)[[:blank:]]*\].*/\1/p' "$file"
}

# Fills COMPREPLY with the lines of standard input that begin with $1, as one word each, behind $2.
_tidblink_offer() {
    local line
    while read -r line; do
        [[ $line && $line == "$1"* ]] && COMPREPLY+=("${2-}$(printf %q "$line")")
    done
}

# $1: the beginning of a value; kind and choices say what it may be.
_tidblink_value() {
    local before=''
    case $kind in
    file | path)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$1")
        ;;
    folder)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$1")
        ;;
    cluster) _tidblink_offer "$1" < <(_tidblink_clusters) ;;
    list) [[ $1 == *,* ]] && before=${1%,*}, ;;
    esac
    [[ $kind == list ]] && compopt -o nospace 2>/dev/null
    _tidblink_offer "${1#"$before"}" "$before" < <(tr ' ' '\n' <<<"$choices")
}

# Whether the word COMP_WORDS[$1], or the one before it if it is "=", is an option that wants a value.
_tidblink_wants_value() {
    local at=$1
    [[ ${COMP_WORDS[at]} == = ]] && ((at--))
    [[ ${COMP_WORDS[at]} == --* ]] && _tidblink_find "$command" "${COMP_WORDS[at]}" && [[ $kind != flag ]]
}

# How many words before the cursor are no option and no value of one; in `first` the first of them.
_tidblink_count_arguments() {
    local i kind choices # not those of the caller
    count=0 first=''
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --* || ${COMP_WORDS[i]} == = ]] && continue
        _tidblink_wants_value $((i - 1)) && continue
        ((count++)) || first=${COMP_WORDS[i]}
    done
}

# Behind "--" of connect: another program's command line.
_tidblink_other_command() {
    local i
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] || continue
        if declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
        elif ((i + 1 == COMP_CWORD)); then
            mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
        else
            compopt -o default
        fi
        return 0
    done
    return 1
}

# $1: the beginning of an argument that belongs to no option.
_tidblink_argument() {
    _tidblink_count_arguments
    if ((count == 0)); then
        _tidblink_find "$command" - && _tidblink_value "$1"
        [[ $command == dsn ]] && _tidblink_offer "$1" <<<lint
    elif ((count == 1)) && [[ $command == dsn && $first == lint ]]; then
        _tidblink_find dsn --client && kind=words && _tidblink_value "$1"
    elif _tidblink_find "$command" - && [[ $kind != value ]]; then
        kind=cluster choices=''
        _tidblink_value "$1"
    fi
}

_tidblink() {
    local cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) command=${COMP_WORDS[1]}
    local kind='' choices='' count='' first=''
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _tidblink_offer "$cur" < <(_tidblink_names && printf '%s\n' --help --version)
        return
    fi
    _tidblink_other_command && return
    [[ $cur == = ]] && cur='' at=$COMP_CWORD # --option=
    if _tidblink_wants_value "$at"; then
        _tidblink_value "$cur"
    elif [[ ${COMP_WORDS[at]} == : ]]; then # file:PATH, unix:PATH
        kind=file choices=''
        _tidblink_value "$cur"
    elif [[ $cur == -* ]]; then
        _tidblink_offer "$cur" < <(_tidblink_names "$command" && echo --help)
    else
        _tidblink_argument "$cur"
    fi
}

complete -F _tidblink tidblink
