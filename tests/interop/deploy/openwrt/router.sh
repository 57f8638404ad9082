# A stand-in for a router: what OpenWrt's rc.common, functions.sh, uci and procd offer a service, as
# far as ours asks for it. Run by an ash, as there.
#
#   router.sh INIT-SCRIPT FOLDER PROGRAM ACTION
#
# FOLDER/config is the service's /etc/config. What procd would run is left in FOLDER/instance, one
# parameter per line, its values between tabs; what else it was told, in FOLDER/told.
# shellcheck shell=dash disable=SC2034,SC1090,SC1091

FOLDER="$2"
ACTION="$4"

# UCI's files are written so that a shell can read them; and what is empty is absent there.
package() { :; }
config() {
	CONFIG_SECTION="$2"
	config_cb "$1" "$2"
}
option() {
	[ -n "$2" ] || return 0
	eval "CONFIG_${CONFIG_SECTION}_$1=\$2"
	option_cb "$1" "$2"
}
list() { list_cb "$1" "$2"; }
config_cb() { :; }
option_cb() { :; }
list_cb() { :; }
config_load() {
	. "$FOLDER/config"
	config_cb
}
config_get_bool() {
	eval "$1=\"\${CONFIG_$2_$3:-$4}\""
	case "$(eval "printf %s \"\$$1\"")" in
		1 | on | true | yes | enabled) eval "$1=1" ;;
		*) eval "$1=0" ;;
	esac
}

# Of `uci batch`: an option set in a named section, which is there.
uci() {
	local verb what

	while read -r verb what; do
		case "$verb $what" in
			set*.*.*=*)
				what="${what#*.}"
				sed -i "/^config ${what%%.*} /a option $(echo "${what#*.}" | tr '=' ' ')" "$FOLDER/config"
				;;
			set* | commit* | ' ') ;;
			*) echo "router.sh: uci $verb $what" >&2 ;;
		esac
	done
}

tell() { printf '%s\n' "$*" >>"$FOLDER/told"; }
logger() { tell logger "$@"; }
chown() { tell chown "$@"; }
procd_send_signal() { tell signal "$@"; }
procd_add_reload_trigger() { tell trigger "$@"; }
procd_open_instance() { : >"$FOLDER/instance"; }
procd_close_instance() { :; }
procd_set_param() {
	{
		printf '%s' "$1"
		shift
		printf '\t%s' "$@"
		echo
	} >>"$FOLDER/instance"
}

# A service without instances is stopped.
start() {
	rm -f "$FOLDER/instance"
	start_service
}

. "$1"
PROG="$3"
CONF="$FOLDER/var/etc/mcp-endpoint-server/server.cfg"
STATE="$FOLDER/etc/mcp-endpoint-server"
SERVERS="$FOLDER/var/etc/mcp-endpoint-server/servers.json"

case "$ACTION" in
	start) start ;;
	reload) reload_service ;;
	triggers) service_triggers ;;
esac
