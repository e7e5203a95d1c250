from rest_framework import serializers

from .models import Note


class NoteSerializer(serializers.ModelSerializer):
    short = serializers.CharField(read_only=True)
    shout = serializers.SerializerMethodField()

    class Meta:
        model = Note
        fields = ["id", "text", "short", "shout"]

    def get_shout(self, note):
        return loud(note.text)

    def validate_text(self, value):
        return clean(value)

    def validate(self, attrs):
        return attrs

    def create(self, validated_data):
        return super().create(validated_data)


def loud(text):
    return text.upper()


def clean(text):
    return text.strip()
