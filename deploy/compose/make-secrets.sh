#!/bin/sh
# Make the secrets of compose.yaml: passwords from the system's random numbers, and a certificate that nobody trusts
# until yours is put in its place. Nothing is overwritten.
#
#   sh make-secrets.sh HOST [FOLDER]      FOLDER: else `secrets` beside this file
set -eu
host=${1:?the name that clients call, such as cds.example.org}
folder=${2:-$(dirname "$0")/secrets}

if [ -e "$folder" ]; then
    echo "$folder is there already; nothing was made" >&2
    exit 1
fi
umask 077
mkdir -p "$folder"
# Nobody but the owner gets into the folder. The files are readable, because the accounts in the containers have other
# numbers than yours, and Compose mounts each file as it is.
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
random > "$folder/postgres_password"
random > "$folder/database_password"
cat > "$folder/pg_service.conf" <<END
[cds]
host=database
dbname=cds
user=cds
password=$(cat "$folder/database_password")
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
    -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
chmod 0444 "$folder"/*
echo "made $folder; the certificate ends in 30 days and is trusted by nobody: put yours in its place"
